"""One model: from its settings and its pool to a ServedModel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planning import cold_start as starting
from planning import pins, probes, vllm_versions
from planning.architecture import Architecture
from planning.architectures import UnknownModel, architecture
from planning.drain import plan_drain
from planning.engine_args import check_extra_args, engine_args
from planning.findings import Findings
from planning.memory_check import check_memory, check_shape, engine_config
from planning.model import AutoscalingPlan, ColdStartTerm, DrainPlan, MemoryPlan, ServedModel, TokenPlan
from planning.model_size import ModelSize, model_size
from planning.node_fit import Daemon
from planning.pools import POOL_LABEL, Pool
from planning.quantization import Weights, check_gpu, plan_weights, stored_by_name
from planning.resources import PodPlan, plan_pod
from planning.scaling import plan_autoscaling
from planning.vllm_versions import Version
from settings.models import Model, PulumiConfigToken
from settings.pools import Capacity

CACHE_PATH = "/cache"
SCRATCH_PATH = "/tmp"
# The root file system is read-only and the user has no home: everything that writes is sent to a volume.
ENVIRONMENT = {
    "HF_HOME": f"{CACHE_PATH}/huggingface",
    "HF_HUB_OFFLINE": "1",
    "HOME": SCRATCH_PATH,
    "USER": "vllm",  # torch asks getpass for a name, and the uid has none
    "VLLM_CACHE_ROOT": f"{SCRATCH_PATH}/vllm",
    "VLLM_CONFIG_ROOT": f"{SCRATCH_PATH}/vllm-config",
    "XDG_CACHE_HOME": f"{SCRATCH_PATH}/cache",
    "TRITON_CACHE_DIR": f"{SCRATCH_PATH}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH_PATH}/inductor",
    "FLASHINFER_WORKSPACE_BASE": f"{SCRATCH_PATH}/flashinfer",
    "CUDA_CACHE_PATH": f"{SCRATCH_PATH}/nv",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
ROLLOUT_MARGIN = 1.5
LONGEST_ROLLOUT_SECONDS = 4 * 3600


@dataclass(frozen=True)
class Surroundings:
    """What a model's plan needs to know of the rest of the stack."""

    stack: str
    production: bool
    mirror: str | None
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    daemons: tuple[Daemon, ...]


@dataclass(frozen=True)
class Served:
    """A planned model and its pod's size; `max_surge` and the like are settled when all models are known."""

    model: ServedModel
    pod: PodPlan


def plan_model(model: Model, path: str, pool: Pool, around: Surroundings, findings: Findings) -> Served | None:
    """A model on its pool; None when its image or GPUs are so wrong that the rest cannot be judged."""
    version = plan_version(model, path, findings)
    if version is None or not _check_group(model, pool, path, findings):
        return None
    known = _architecture(model, path, findings)
    _check_token(model, known, around.stack, path, findings)
    check_extra_args(model, version, path, findings)
    stored = known.native_quantization if known else stored_by_name(model.source)
    weights = plan_weights(model, stored, known is not None, version, path, findings)
    check_gpu(model, weights, pool.gpu, version, path, findings)
    memory = _memory(model, known, weights, pool, version, path, findings)
    loaded = memory.weights_bytes_per_gpu * model.tensor_parallel if memory else None
    size = model_size(model.source, known, weights, loaded)
    pod = plan_pod(model, pool, size.on_disk_bytes, around.daemons, path, findings)
    spot = pool.settings.capacity is Capacity.SPOT
    drain = plan_drain(model.drain, version, spot, f"{path}.drain", findings)
    times = _times(model, pool, size)
    scaling = plan_autoscaling(
        model.autoscaling,
        starting.seconds(starting.cold_start(times))[1],
        around.monitoring_namespace is not None,
        f"{path}.autoscaling",
        findings,
    )
    _check_budget(model, scaling, around.production, path, findings)
    return Served(_assemble(model, pool, around, version, weights, pod, drain, scaling, memory, times), pod)


def plan_version(model: Model, path: str, findings: Findings) -> Version | None:
    """The vLLM version of the image, from its tag; None when it is too old to be planned for."""
    version = vllm_versions.version_of(image_pin(model).tag)
    if version < vllm_versions.OLDEST_SUPPORTED:
        findings.error(
            f"{path}.image.tag",
            "image-too-old",
            f"vLLM {vllm_versions.text(version)}: flags and metrics are known from "
            f"{vllm_versions.text(vllm_versions.OLDEST_SUPPORTED)} on; write {pins.VLLM.tag}",
        )
        return None
    if version > (newest := vllm_versions.newest_known()):
        findings.warning(
            f"{path}.image.tag",
            "image-too-new",
            f"vLLM {vllm_versions.text(version)} is newer than our table, which ends at {vllm_versions.text(newest)}: its "
            "flags and metrics are taken for the same",
        )
    return version


def image_pin(model: Model) -> pins.ImagePin:
    """The image of a model: as written, else the pinned one."""
    image = model.image
    tag = image.tag or pins.VLLM.tag
    ours = image.repository == pins.VLLM.repository and tag == pins.VLLM.tag
    digest = image.digest or (pins.VLLM.digest if ours else None)
    return pins.ImagePin(image.repository, tag, digest, "models[].image")


def _check_group(model: Model, pool: Pool, path: str, findings: Findings) -> bool:
    if model.tensor_parallel <= pool.gpus_per_node:
        return True
    from planning.instances import instance_types

    larger = sorted(
        (each.usd_per_hour, each.name, each.gpu_count)
        for each in instance_types().values()
        if each.gpu == pool.gpu and each.gpu_count >= model.tensor_parallel and each.usd_per_hour is not None
    )
    hint = f"use {larger[0][1]} ({larger[0][2]} GPUs, ${larger[0][0]:g}/h)" if larger else "use another GPU"
    findings.error(
        f"{path}.tensorParallel",
        "tensor-parallel-node",
        f"{model.tensor_parallel} GPUs for one replica; a node of {pool.settings.name} ({pool.smallest.name}) has "
        f"{pool.gpus_per_node}: write tensorParallel: {pool.gpus_per_node} or {hint}",
    )
    return False


def _architecture(model: Model, path: str, findings: Findings) -> Architecture | None:
    try:
        return architecture(model.source)
    except UnknownModel as unknown:
        near = f" Nearest: {', '.join(unknown.suggestions)}." if unknown.suggestions else ""
        findings.warning(
            f"{path}.source",
            "unknown-model",
            f"{model.source} is not in the table: its memory is not checked, sizes and times come from its name.{near}",
        )
        return None


def _memory(
    model: Model, known: Architecture | None, weights: Weights, pool: Pool, version: Version, path: str, findings: Findings
) -> MemoryPlan | None:
    if known is None:
        return None
    check_shape(model, known, path, version, findings)
    return check_memory(model, known, engine_config(model, weights.stored, version), pool, path, findings)


def _check_token(model: Model, known: Architecture | None, stack: str, path: str, findings: Findings) -> None:
    if known is not None and known.gated and model.token_secret is None:
        findings.error(
            f"{path}.tokenSecret",
            "gated-model",
            f"{model.source} is gated and nothing names a token; run `pulumi config set --secret vllm-on-eks:hfToken "
            f"--stack {stack}` and write tokenSecret: {{kind: pulumiConfig}}",
        )


def _check_budget(
    model: Model, scaling: AutoscalingPlan, production: bool, path: str, findings: Findings
) -> None:
    allowed = model.disruption_budget.max_unavailable
    if scaling.min_replicas > 1 and allowed >= scaling.min_replicas:
        findings.warning(
            f"{path}.disruptionBudget.maxUnavailable",
            "budget-everything",
            f"{allowed} of {scaling.min_replicas} replicas may be away at once, which is all; write "
            f"{scaling.min_replicas - 1}",
        )
    if production and scaling.min_replicas == 1:
        findings.warning(
            f"{path}.autoscaling.minReplicas", "single-replica", "1: a node upgrade interrupts the service; write 2"
        )


def _times(model: Model, pool: Pool, size: ModelSize) -> starting.ColdStartInputs:
    slowest = min(pool.types, key=lambda each: each.ebs_bandwidth_mbps)
    return starting.ColdStartInputs(
        weights_on_disk_bytes=size.on_disk_bytes,
        gpus=model.tensor_parallel,
        disk_mibps=pool.settings.disk_throughput_mibps,
        ebs_bandwidth_mbps=slowest.ebs_bandwidth_mbps,
        network_gbps=min(each.network_gbps for each in pool.types),
        enforce_eager=model.enforce_eager,
        downloads_per_pod=model.cache.kind == "emptyDir",
    )


def _token(model: Model) -> TokenPlan | None:
    secret = model.token_secret
    if secret is None:
        return None
    if isinstance(secret, PulumiConfigToken):
        return TokenPlan(f"{model.name}-hf-token", "token", secret.key)
    return TokenPlan(secret.name, secret.key, None)


def _assemble(
    model: Model,
    pool: Pool,
    around: Surroundings,
    version: Version,
    weights: Weights,
    pod: PodPlan,
    drain: DrainPlan,
    scaling: AutoscalingPlan,
    memory: MemoryPlan | None,
    times: starting.ColdStartInputs,
) -> ServedModel:
    terms: tuple[ColdStartTerm, ...] = starting.cold_start(times)
    high = starting.seconds(terms)[1]
    download = starting.download_seconds(times.weights_on_disk_bytes)
    rollout = (high * ROLLOUT_MARGIN + drain.grace_period_seconds) * max(1, scaling.min_replicas)
    return ServedModel(
        name=model.name,
        namespace=model.namespace,
        model_id=model.source,
        revision=model.revision,
        served_name=model.served_name or model.source,
        image=pins.image_reference(image_pin(model), around.mirror),
        vllm_version=vllm_versions.text(version),
        args=engine_args(model, version, weights, drain.shutdown_timeout_seconds),
        env=dict(ENVIRONMENT),
        pool=pool.settings.name,
        node_selector={POOL_LABEL: pool.settings.name},
        resources=pod.server,
        download_resources=pod.download,
        startup_probe=probes.startup(starting.seconds(starting.load_terms(times))[1]),
        readiness_probe=probes.readiness(),
        liveness_probe=probes.liveness(),
        drain=drain,
        token=_token(model),
        cache=pod.cache,
        autoscaling=scaling,
        max_unavailable=model.disruption_budget.max_unavailable,
        client_namespaces=tuple(dict.fromkeys(model.client_namespaces)),
        monitoring_namespace=around.monitoring_namespace,
        scrape_interval_seconds=around.scrape_interval_seconds,
        rollout_timeout_seconds=min(LONGEST_ROLLOUT_SECONDS, math.ceil(max(900, rollout))),
        download_timeout_seconds=math.ceil(max(600, download * ROLLOUT_MARGIN)),
        memory=memory,
        cold_start=terms,
        taints=pool.group.taints,
    )
