"""What is installed beside the models: GPU Operator, KEDA."""

from __future__ import annotations

from collections.abc import Sequence

from planning.cluster.addon_network import addon_network
from planning.findings import Findings
from planning.model import (
    GPU_TAINT,
    AutoscalingPlan,
    GpuOperatorPlan,
    KedaPlan,
    ScalerKind,
    SmokeTestPlan,
)
from planning.nodes.bottlerocket import is_bottlerocket
from planning.nodes.pools import Pool
from planning.versions import pins
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.cluster import CreateCluster
from settings.sharing import WholeGpu
from settings.stack import StackSettings

OPERATOR_CHART = "gpu-operator"
KEDA_CHART = "keda"
SMOKE_TEST_TIMEOUT_SECONDS = 900
# The MIG manager cuts the GPUs and reboots the node first. Estimate.
MIG_CUT_SECONDS = 600
# What waits for a label that GPU feature discovery writes.
_BY_LABEL = {
    "mps": "the MPS daemon stands only on nodes labelled nvidia.com/mps.capable (assets/state-mps-control-daemon), and "
    "the device plugin waits for the daemon forever",
    "mig": "the MIG manager comes only to nodes labelled nvidia.com/mig.capable (controllers/state_manager.go), so "
    "the GPUs are never cut",
}


def check_gpu_operator(settings: StackSettings, findings: Findings) -> None:
    """The operator against what EKS' NVIDIA AMIs contain: driver and toolkit, and of Bottlerocket the device plugin."""
    operator = settings.gpu_operator
    _check_sharing(settings, findings)
    if not operator.enabled:
        _check_absent(settings, findings)
        return
    parts = (("driver", operator.driver, "the GPU driver"), ("toolkit", operator.toolkit, "the container toolkit"))
    for name, enabled, what in parts:
        if enabled:
            findings.error(
                f"gpuOperator.{name}",
                "ami-has-it",
                f"true, but EKS' NVIDIA AMIs contain {what}: two of them end in `GLIBC_2.27 not found` and "
                "CrashLoopBackOff (NVIDIA/gpu-operator#755)",
                "write false",
            )
    _check_metrics(settings, findings)
    if not operator.device_plugin and settings.models and _by_operator(settings):
        findings.error(
            "gpuOperator.devicePlugin",
            "no-device-plugin",
            "false: the AL2023 NVIDIA AMI has none, so nvidia.com/gpu is not advertised and no model is scheduled",
            "write true",
        )
    if operator.smoke_test and not operator.device_plugin:
        findings.error("gpuOperator.smokeTest", "no-device-plugin", "true needs devicePlugin: true", "write false")


def plan_gpu_operator(
    settings: StackSettings, pools: Sequence[Pool], charts: ChartSources, findings: Findings
) -> GpuOperatorPlan | None:
    """The release and one smoke test per pool that has nodes."""
    operator = settings.gpu_operator
    if not operator.enabled:
        return None
    mirror = image_mirror(settings)
    tests = tuple(
        SmokeTestPlan(
            image=pins.image_reference(pins.CUDA_BASE, mirror),
            pool=pool.settings.name,
            gpus=1,  # one is enough to show driver, toolkit and plugin; more would wait for models to leave
            node_selector=pool.node_selector,
            timeout_seconds=SMOKE_TEST_TIMEOUT_SECONDS + (MIG_CUT_SECONDS if pool.sharing.kind == "mig" else 0),
            taints=pool.group.taints,
            pull_secrets=settings.registry.pull_secrets,
        )
        for pool in pools
        # a node that Karpenter would buy for the test alone might be gone before a model needs one
        if operator.smoke_test and pool.group.min_nodes > 0 and pool.group.karpenter is None
    )
    return GpuOperatorPlan(
        chart=charts.reference(OPERATOR_CHART, findings),
        namespace=operator.namespace,
        driver=operator.driver,
        toolkit=operator.toolkit,
        device_plugin=operator.device_plugin,
        gpu_feature_discovery=operator.gpu_feature_discovery,
        dcgm_exporter=operator.dcgm_exporter,
        dcgm_scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        mirror=mirror,
        smoke_tests=tests,
        taints=tuple(dict.fromkeys((GPU_TAINT, *(taint for pool in pools for taint in pool.group.taints)))),
        sharing=tuple(
            dict.fromkeys(
                pool.sharing for pool in pools if pool.sharing.kind != "none" and pool.group.bottlerocket is None
            )
        ),
        network=addon_network(settings),
    )


def _check_sharing(settings: StackSettings, findings: Findings) -> None:
    """Nothing but the operator's device plugin and MIG manager divides a GPU."""
    operator = settings.gpu_operator
    for index, pool in enumerate(settings.node_pools):
        kind = pool.gpu_sharing.kind
        if isinstance(pool.gpu_sharing, WholeGpu) or is_bottlerocket(pool):
            continue
        if operator.enabled and operator.device_plugin and not operator.gpu_feature_discovery and kind in _BY_LABEL:
            findings.error(
                f"nodePools[{index}].gpuSharing",
                "sharing-discovery",
                f"{kind}, but gpuOperator.gpuFeatureDiscovery is false: {_BY_LABEL[kind]}",
                "write true there, or gpuSharing: {kind: timeSlicing, ...}, which needs no label of its",
            )
        if not (operator.enabled and operator.device_plugin):
            missing = "gpuOperator.devicePlugin" if operator.enabled else "gpuOperator.enabled"
            findings.error(
                f"nodePools[{index}].gpuSharing",
                "sharing-operator",
                f"{pool.gpu_sharing.kind}, but {missing} is false and the GPUs would not be divided",
                "write true there, or gpuSharing: {kind: none}",
            )


def plan_keda(
    settings: StackSettings, scalings: Sequence[AutoscalingPlan], charts: ChartSources, findings: Findings
) -> KedaPlan | None:
    """KEDA, where a model uses it. Of a cluster that has its own no chart is looked for."""
    if not any(scaling.kind is ScalerKind.KEDA for scaling in scalings):
        return None
    keda = settings.keda
    chart = charts.reference(KEDA_CHART, findings if keda.install else Findings())
    network = addon_network(settings)
    return KedaPlan(chart, keda.namespace, keda.install, image_mirror(settings), network=network)


def _by_operator(settings: StackSettings) -> bool:
    """Whether a pool's GPUs are advertised only by the operator's device plugin."""
    return not settings.node_pools or not all(is_bottlerocket(pool) for pool in settings.node_pools)


def _check_metrics(settings: StackSettings, findings: Findings) -> None:
    """The operands' init containers wait for its validator, which looks for the driver where AL2023 has it."""
    for index, pool in enumerate(settings.node_pools):
        if is_bottlerocket(pool) and settings.gpu_operator.dcgm_exporter:
            findings.warning(
                f"nodePools[{index}].amiFamily",
                "bottlerocket-gpu-metrics",
                "bottlerocket: the GPU Operator's operands do not run on it (NVIDIA/gpu-operator#946), DCGM exporter "
                "among them: no utilization, no XID faults of these GPUs; vLLM's own metrics are there",
                "write amiFamily: al2023 where you need them",
            )


def _check_absent(settings: StackSettings, findings: Findings) -> None:
    if not settings.models or not _by_operator(settings):
        return
    if isinstance(settings.cluster, CreateCluster):
        findings.error(
            "gpuOperator.enabled",
            "no-device-plugin",
            "false: nvidia.com/gpu is not advertised in a new cluster and no model is scheduled",
            "write true",
        )
    else:
        findings.warning(
            "gpuOperator.enabled",
            "no-device-plugin",
            "false: models wait forever unless the cluster has its own NVIDIA device plugin that tolerates "
            f"{GPU_TAINT.key}={GPU_TAINT.value}:{GPU_TAINT.effect}",
            "write true unless it has one",
        )
