"""What is wrong with a model whatever its memory: image, GPUs of one node, token, disruption budget."""

from __future__ import annotations

from dataclasses import replace

from planning.architectures.layout import QuantizationLayout
from planning.architectures.shape import Architecture
from planning.findings import Findings
from planning.memory.quantization import Weights
from planning.nodes.instances import instance_types
from planning.nodes.pools import Pool
from planning.nodes.sharing import check_group_shared
from planning.serving.groups import check_nodes
from planning.starting.start import Start, check_version
from planning.versions import pins, vllm_versions
from planning.versions.vllm_versions import Version
from settings.models import Model
from settings.sources import HubSource


def plan_version(model: Model, engine: pins.EnginePin, path: str, findings: Findings) -> Version | None:
    """The vLLM version of the image, from its tag or as the engine says; None when it is too old to be planned for."""
    version = vllm_versions.version_of(engine.vllm or image_pin(model, engine).tag)
    return version if check_version(version, f"{path}.image.tag", findings) else None


def image_pin(model: Model, engine: pins.EnginePin) -> pins.ImagePin:
    """The image of a model: as written, else the pinned one; of an engine that is not vLLM's own the pinned one."""
    image = model.image
    if engine.image != pins.VLLM:
        return replace(engine.image, digest=image.digest or engine.image.digest)
    tag = image.tag or pins.VLLM.tag
    ours = image.repository == pins.VLLM.repository and tag == pins.VLLM.tag
    digest = image.digest or (pins.VLLM.digest if ours else None)
    return pins.ImagePin(image.repository, tag, digest, "models[].image")


def start_of(
    model: Model,
    known: Architecture | None,
    weights: Weights,
    layout: QuantizationLayout,
    version: Version,
    pool: Pool | None,
) -> Start:
    """The model as the list of checks wants it."""
    names = (argument.partition("=")[0] for argument in model.extra_args)
    flags = (vllm_versions.canonical_flag(name, version) for name in names)
    asked = model.quantization.value
    return Start(
        source=model.model_id,
        version=version,
        architecture=known,
        weights=weights.stored if asked == "none" else asked,
        layout=layout,
        tensor_parallel=model.tensor_parallel,
        max_model_len=model.max_model_len,
        dtype=model.dtype.value,
        kv_cache_dtype=model.kv_cache_dtype.value,
        gpu=pool.gpu if pool is not None else None,
        flags=frozenset(flag for flag in flags if flag is not None),
        own_image=model.image.repository != pins.VLLM.repository,
        accepted=model.accepted_risks.quantization_layout,
    )


def check_group(model: Model, pool: Pool, path: str, findings: Findings) -> bool:
    """Whether one node of the pool, or so many whole ones, have the GPUs of one replica, and whole GPUs."""
    if not check_group_shared(model, pool.sharing, path, findings):
        return False
    if model.nodes > 1:
        return check_nodes(model, pool, path, findings)
    gpus = model.gpus_per_pod
    if gpus <= pool.gpus_per_node:
        return True
    larger = sorted(
        (instance_type.usd_per_hour, instance_type.name, instance_type.gpu_count)
        for instance_type in instance_types().values()
        if instance_type.gpu == pool.gpu and instance_type.gpu_count >= gpus and instance_type.usd_per_hour is not None
    )
    hint = f"use {larger[0][1]} ({larger[0][2]} GPUs, ${larger[0][0]:g}/h)" if larger else "use another GPU"
    setting = "pipelineParallel" if model.tensor_parallel <= pool.gpus_per_node else "tensorParallel"
    most = pool.gpus_per_node // (model.tensor_parallel if setting == "pipelineParallel" else 1)
    findings.error(
        f"{path}.{setting}",
        "tensor-parallel-node",
        f"{gpus} GPUs for one replica; a node of {pool.settings.name} ({pool.smallest.name}) has {pool.gpus_per_node}",
        f"write {setting}: {most} or {hint}, or nodes for a replica on several (docs/multi-node.md)",
    )
    return False


def check_token(model: Model, known: Architecture | None, stack: str, path: str, findings: Findings) -> None:
    """A gated model needs a token, where it comes from the Hub; the command that sets one names the stack."""
    if not isinstance(model.origin, HubSource):
        return
    if known is not None and known.gated and model.token_secret is None:
        findings.error(
            f"{path}.tokenSecret",
            "gated-model",
            f"{model.model_id} is gated and nothing names a token",
            f"run `pulumi config set --secret vllm-on-eks:hfToken --stack {stack}` and write tokenSecret: {{kind: "
            "pulumiConfig}",
        )


def check_digest(model: Model, engine: pins.EnginePin, path: str, seen: set[str], findings: Findings) -> None:
    """An image without a digest, told once whichever models use it; `seen`: those that were told."""
    pin = image_pin(model, engine)
    image = f"{pin.repository}:{pin.tag}"
    if pin.digest is None and image not in seen:
        seen.add(image)
        findings.warning(
            f"{path}.image.digest",
            "image-digest",
            f"{image} has none: a tag can be moved",
            f"write what `crane digest {image}` prints",
        )


def check_budget(model: Model, production: bool, path: str, findings: Findings) -> None:
    """The disruption budget against the fewest replicas."""
    allowed, fewest = model.disruption_budget.max_unavailable, model.autoscaling.min_replicas
    if fewest > 1 and allowed >= fewest:
        findings.warning(
            f"{path}.disruptionBudget.maxUnavailable",
            "budget-everything",
            f"{allowed} of {fewest} replicas may be away at once, which is all",
            f"write {fewest - 1}",
        )
    if production and fewest == 1:
        findings.warning(
            f"{path}.autoscaling.minReplicas", "single-replica", "1: a node upgrade interrupts the service", "write 2"
        )
