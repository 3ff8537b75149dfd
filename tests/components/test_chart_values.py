"""Every value path that we set exists in the chart: Helm itself ignores a misspelt one without a word.

A path exists when the chart's values.yaml has it. Three kinds of path are not written there and are listed here, each
with where it comes from: values of sub-charts that tests/reference does not hold, keys below a map that the chart
passes on as it is, and keys that values.yaml only comments out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from components.cluster.cluster_autoscaler import cluster_autoscaler_values
from components.cluster.external_secrets import external_secrets_values
from components.cluster.gpu_operator import gpu_operator_values
from components.cluster.karpenter.controller import karpenter_values
from components.cluster.keda import keda_values
from components.cluster.load_balancers import load_balancer_controller_values
from components.cluster.metrics_adapter import metrics_adapter_values
from components.cluster.operators.argo_rollouts import argo_rollouts_values
from components.cluster.operators.cert_manager import cert_manager_values
from components.cluster.operators.collector import collector_values
from components.cluster.operators.envoy_gateway import envoy_gateway_values
from components.cluster.operators.kserve import kserve_values
from components.cluster.operators.kubeai import kubeai_values
from components.cluster.operators.kuberay import kuberay_values
from components.cluster.operators.lws import lws_values
from components.cluster.operators.open_cost import open_cost_values
from components.cluster.prometheus_stack import prometheus_stack_values
from components.serving.backends.production_stack import router_values
from planning.model import GPU_TAINT, AddonNetworkPlan, WebhookPlan
from tests import reference_data
from tests.components.plans import (
    ARGO_ROLLOUTS,
    CERT_MANAGER,
    CLUSTER_AUTOSCALER,
    COLLECTOR,
    ENVOY_GATEWAY,
    EXTERNAL_SECRETS,
    GPU_OPERATOR,
    KARPENTER,
    KEDA,
    KSERVE,
    KUBEAI,
    KUBERAY,
    LOAD_BALANCER_CONTROLLER,
    LWS,
    MIRROR,
    MODEL,
    MONITORING,
    OPEN_COST,
    ROUTER,
    SHARING_OPERATOR,
    TRACING,
    on,
)
from tests.components.rendered import merged
from tests.reference_data import chart_values

Path_ = tuple[str, ...]

CHARTS: dict[str, list[dict[str, Any]]] = {
    "cluster-autoscaler": [
        cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, mirror=MIRROR)),
        cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, monitoring_namespace=None)),
    ],
    "external-secrets": [
        external_secrets_values(replace(EXTERNAL_SECRETS, mirror=MIRROR)),
        external_secrets_values(replace(EXTERNAL_SECRETS, network=AddonNetworkPlan(monitoring_namespace="monitoring"))),
    ],
    "aws-load-balancer-controller": [
        load_balancer_controller_values(replace(LOAD_BALANCER_CONTROLLER, mirror=MIRROR), "vpc-0a"),
        load_balancer_controller_values(
            replace(LOAD_BALANCER_CONTROLLER, network=AddonNetworkPlan(monitoring_namespace="monitoring")), "vpc-0a"
        ),
    ],
    "gpu-operator": [
        gpu_operator_values(GPU_OPERATOR),
        gpu_operator_values(replace(GPU_OPERATOR, mirror=MIRROR)),
        gpu_operator_values(replace(SHARING_OPERATOR, mirror=MIRROR)),
    ],
    "kube-prometheus-stack": [
        prometheus_stack_values(MONITORING),
        prometheus_stack_values(replace(MONITORING, mirror=MIRROR)),
        prometheus_stack_values(replace(MONITORING, grafana=False)),
        prometheus_stack_values(replace(MONITORING, webhook=WebhookPlan(url_key="alertWebhook"))),
        prometheus_stack_values(replace(MONITORING, pods_may_wait_in=("spare-nodes",))),
    ],
    "cert-manager": [cert_manager_values(CERT_MANAGER), cert_manager_values(replace(CERT_MANAGER, mirror=MIRROR))],
    "kserve-resources": [kserve_values(KSERVE), kserve_values(replace(KSERVE, mirror=MIRROR))],
    "kubeai": [
        kubeai_values(KUBEAI),
        kubeai_values(replace(KUBEAI, mirror=MIRROR)),
    ],
    "argo-rollouts": [argo_rollouts_values(ARGO_ROLLOUTS), argo_rollouts_values(replace(ARGO_ROLLOUTS, mirror=MIRROR))],
    "lws": [lws_values(LWS), lws_values(replace(LWS, mirror=MIRROR))],
    "kuberay-operator": [kuberay_values(KUBERAY), kuberay_values(replace(KUBERAY, mirror=MIRROR))],
    "vllm-stack": [router_values(replace(on(MODEL, "production-stack"), pull_secrets=("registry",)), ROUTER)],
    "gateway-helm": [envoy_gateway_values(ENVOY_GATEWAY), envoy_gateway_values(replace(ENVOY_GATEWAY, mirror=MIRROR))],
    "opentelemetry-collector": [
        collector_values(COLLECTOR),
        collector_values(replace(COLLECTOR, mirror=MIRROR, tracing=replace(TRACING, protocol="http"))),
        collector_values(replace(COLLECTOR, tracing=replace(TRACING, headers_secret=None))),
    ],
    "opencost": [open_cost_values(OPEN_COST), open_cost_values(replace(OPEN_COST, mirror=MIRROR))],
    "karpenter": [
        karpenter_values(replace(KARPENTER, mirror=MIRROR), "karpenter-queue"),
        karpenter_values(replace(KARPENTER, monitoring_namespace=None), "karpenter-queue"),
    ],
    "keda": [keda_values(replace(KEDA, mirror=MIRROR))],
    "prometheus-adapter": [metrics_adapter_values(replace(MONITORING, mirror=MIRROR), "http://prometheus.svc")],
}

# A map whose keys are a Kubernetes object's, which the chart copies; its schema is checked elsewhere.
FREE_FORM: dict[str, set[Path_]] = {
    # ExtensionAPISettings of api/v1alpha1/envoygateway_types.go, v1.9.0: enableLua, enableBackend
    "gateway-helm": {("config", "envoyGateway", "extensionApis")},
    "cluster-autoscaler": {
        ("extraArgs",),  # the program's own flags (its FAQ); those that we set are in the chart's comments
        ("nodeSelector",),
        ("resources",),
        ("securityContext",),
        ("containerSecurityContext",),
    },
    "karpenter": {
        ("nodeSelector",),
        ("controller", "resources"),
        ("serviceMonitor", "endpointConfig"),  # an endpoint of the ServiceMonitor
    },
    "external-secrets": {("resources",)},
    "aws-load-balancer-controller": {
        ("resources",),
        ("podSecurityContext",),  # of the pod, of its container
        ("securityContext",),
        ("podDisruptionBudget",),  # of the budget's spec
        ("defaultTags",),
        ("controllerConfig", "featureGates"),  # commented out in values.yaml
        ("webhookConfig", "ingressValidationNamespaceSelector"),
    },
    "kubeai": {
        ("resources",),
        ("securityContext",),
        ("podSecurityContext",),
        ("affinity",),
        ("modelServerPods", "securityContext"),  # of the server
        ("modelServerPods", "podSecurityContext"),  # of its pod; not in values.yaml, in templates/configmap.yaml
        ("modelServerPods", "jsonPatches"),  # commented out in values.yaml
        ("resourceProfiles",),  # by names of ours; internal/config/system.go ResourceProfile
    },
    "argo-rollouts": {("controller", "resources")},
    "lws": {("podSecurityContext",), ("resources",)},  # of the pod, of its container
    "kuberay-operator": {
        ("resources",),
        ("podSecurityContext",),  # of the pod
    },
    "opentelemetry-collector": {
        ("alternateConfig",),  # the collector's own configuration
        ("podSecurityContext",),
        ("securityContext",),
        ("resources",),
    },
    "opencost": {
        ("podSecurityContext",),
        ("opencost", "exporter", "resources"),
        ("opencost", "exporter", "securityContext"),
    },
    "gpu-operator": {("devicePlugin", "config", "data")},  # a ConfigMap's data
    "vllm-stack": {
        ("routerSpec", "resources"),  # ResourceRequirements
        ("routerSpec", "strategy"),  # of the Deployment
        ("routerSpec", "securityContext"),  # of the pod
        ("routerSpec", "containerSecurityContext"),
    },
    "kube-prometheus-stack": {
        ("defaultRules", "disabled"),  # names of the chart's own alerts
        ("prometheus", "prometheusSpec", "storageSpec"),  # StorageSpec of the Prometheus CRD, tested below
        ("prometheus", "prometheusSpec", "persistentVolumeClaimRetentionPolicy"),  # of the Prometheus CRD, tested below
        ("prometheus", "prometheusSpec", "resources"),  # ResourceRequirements, tested below
    },
}

# Values of sub-charts, from their values.yaml: grafana 12.11.1 (grafana-community/helm-charts), kube-state-metrics
# 8.4.0 and prometheus-node-exporter 4.56.1 (prometheus-community/helm-charts). Not in tests/reference.
SUB_CHARTS: dict[str, set[Path_]] = {
    "kube-prometheus-stack": {
        ("grafana", "image", "registry"),
        ("grafana", "sidecar", "image", "registry"),
        ("kube-state-metrics", "image", "registry"),
        ("kube-state-metrics", "metricLabelsAllowlist"),
        ("prometheus-node-exporter", "image", "registry"),
    },
}


def _leaves(values: Any, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path


def _exists(path: Path_, defaults: Any, chart: str) -> bool:
    if path in SUB_CHARTS.get(chart, ()) or any(path[: len(free)] == free for free in FREE_FORM.get(chart, ())):
        return True
    for key in path:
        if not isinstance(defaults, dict) or key not in defaults:
            return False
        defaults = defaults[key]
    return True


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_the_chart_knows_every_value_that_we_set(chart: str) -> None:
    defaults = chart_values(chart)
    unknown = {
        ".".join(path) for values in CHARTS[chart] for path in _leaves(values) if not _exists(path, defaults, chart)
    }
    assert unknown == set()


def test_a_misspelt_value_would_be_found() -> None:
    defaults = chart_values("gpu-operator")
    assert not _exists(("dcgmExporter", "serviceMonitors", "enabled"), defaults, "gpu-operator")
    assert not _exists(("node-feature-discovery", "workers", "tolerations"), defaults, "gpu-operator")


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_our_values_have_the_types_of_the_charts(chart: str) -> None:
    defaults = chart_values(chart)
    wrong = []
    for values in CHARTS[chart]:
        for path in _leaves(values):
            default, ours = _at(defaults, path), _at(values, path)
            free = any(path[: len(part)] == part for part in FREE_FORM.get(chart, ()))
            if default is not None and not free and not isinstance(ours, type(default)):
                wrong.append(f"{'.'.join(path)}: {ours!r} where the chart has {default!r}")
    assert wrong == []


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_our_values_pass_the_charts_own_schemas(chart: str) -> None:
    """node-feature-discovery, cert-manager and vllm-stack have one among the charts we use."""
    own = reference_data.chart(chart).get("schema")
    for values in CHARTS[chart] if own else []:
        # As Helm does: ours on top of the chart's own.
        jsonschema.Draft202012Validator(own).validate(merged(chart_values(chart), values))
    for name, sub_chart in reference_data.chart(chart).get("subCharts", {}).items():
        for values in CHARTS[chart] if "schema" in sub_chart else []:
            jsonschema.Draft202012Validator(sub_chart["schema"]).validate(values[name])


def test_the_tables_of_exceptions_hold_nothing_we_do_not_set() -> None:
    for chart, paths in SUB_CHARTS.items():
        ours = {path for values in CHARTS[chart] for path in _leaves(values)}
        assert paths <= ours


def test_the_prometheus_values_that_become_its_custom_resource_fit_it() -> None:
    whole = reference_data.custom_resource_validator("monitoring.coreos.com/v1", "Prometheus").schema
    schema = whole["properties"]["spec"]["properties"]
    spec = prometheus_stack_values(MONITORING)["prometheus"]["prometheusSpec"]
    custom = {"storageSpec": "storage"}
    for key in (
        "storageSpec",
        "persistentVolumeClaimRetentionPolicy",
        "resources",
        "retention",
        "retentionSize",
        "scrapeInterval",
    ):
        jsonschema.Draft202012Validator(schema[custom.get(key, key)]).validate(spec[key])


def test_the_charts_own_toleration_is_the_taint_of_our_pools() -> None:
    """We replace the list; this says that it was right for our taint all along, so nothing else depends on it."""
    (toleration,) = chart_values("gpu-operator")["daemonsets"]["tolerations"]
    assert (toleration["key"], toleration["effect"]) == (GPU_TAINT.key, GPU_TAINT.effect)


def test_a_mirror_covers_every_image_of_a_part_that_is_on() -> None:
    """A part that is on without its image mirrored would hang in a network without internet."""
    ours = gpu_operator_values(replace(GPU_OPERATOR, mirror=MIRROR, driver=True, toolkit=True))
    missing = [
        name
        for name, part in chart_values("gpu-operator").items()
        if isinstance(part, dict) and "repository" in part and name in ours and ours[name].get("enabled", True)
        if "repository" not in ours[name]
    ]
    assert missing == []


def _at(values: Any, path: Path_) -> Any:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return None
        values = values[key]
    return values
