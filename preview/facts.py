"""The plan's figures as JSON: models, nodes, cost, quotas, what is pulled. Nothing is computed that planning owns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from planning.model import (
    ModelPicture,
    NodeGroupPlan,
    PackingPicture,
    PoolPicture,
    RoomPlan,
    ServedModel,
    StackPicture,
    StackPlan,
)
from planning.units import GIB
from planning.versions.definitions import definitions_of
from preview.report_model import Chart, QuotaPart, ResourcePart
from preview.report_parts import Fit, LeftOnNodes, ModelPart, PodPart, PoolNodesPart, StartPart
from preview.report_parts import PackingPart as PackingPart
from preview.throughput import throughput, traffic
from settings.stack import StackSettings


def models(plan: StackPlan, settings: StackSettings, picture: StackPicture) -> list[ModelPart]:
    """Every model: fit, throughput (null where the plan has none), cold start, scaling."""
    asked = {(model.namespace, model.name): model for model in settings.models}
    pools = {pool.name: pool for pool in plan.gpu_pools}
    parts: list[ModelPart] = []
    for model, shown in zip(plan.models, picture.models, strict=True):
        model_asked, pool = asked[model.namespace, model.name], pools[model.pool]
        low, high = shown.cold_start_seconds
        parts.append(
            {
                "name": model.name,
                "namespace": model.namespace,
                "model": model.model_id,
                "revision": model.revision,
                "source": model.source.uri,
                "pool": model.pool,
                "gpu": pool.gpu,
                "gpus_per_replica": model.gpus_per_replica,
                "gpu_share": _share_name(pool),
                "max_model_len": model_asked.max_model_len,
                "fit": _fit(model, shown, model_asked.max_model_len, model_asked.gpu_memory_utilization),
                "throughput": throughput(model.throughput),
                "traffic": traffic(model_asked, shown.traffic, model.autoscaling.max_replicas),
                "cold_start_seconds": {
                    "low": round(low, 1),
                    "high": round(high, 1),
                    "terms": [plain(term) for term in model.cold_start],
                    "on_new_node": _on_new_node(model, shown),
                },
                "scaling": plain(model.autoscaling),
            }
        )
    return parts


def _on_new_node(model: ServedModel, shown: ModelPicture) -> StartPart | None:
    """What comes before all that where a node has to come first, and the sums with it."""
    if shown.new_node_seconds is None:
        return None
    low, high = shown.new_node_seconds
    return {"low": round(low, 1), "high": round(high, 1), "terms": [plain(term) for term in model.node_start]}


def _fit(model: ServedModel, shown: ModelPicture, max_model_len: int, utilization: float) -> Fit:
    usable = shown.gpu_bytes
    fit: Fit = {
        "fits": None,
        "gpu_memory_gib": _gib(usable),
        "budget_gib": _gib(usable * utilization),
        "weights_gib_per_gpu": None,
        "activation_gib": None,
        "reserve_gib": None,
        "kv_cache_gib_per_gpu": None,
        "kv_cache_tokens": None,
        "max_concurrency": None,
        "longest_model_len": None,
    }
    memory = model.memory
    if memory is None:
        return fit
    known: Fit = {
        **fit,
        "fits": memory.longest_model_len >= max_model_len,
        "weights_gib_per_gpu": _gib(memory.weights_bytes_per_gpu),
        "activation_gib": _gib(memory.activation_bytes),
        "reserve_gib": _gib(memory.reserve_bytes),
        "kv_cache_gib_per_gpu": _gib(memory.kv_cache_bytes_per_gpu),
        "kv_cache_tokens": memory.kv_cache_tokens,
        "max_concurrency": memory.max_concurrency,
        "longest_model_len": memory.longest_model_len,
    }
    return known


def _share_name(pool: NodeGroupPlan) -> str | None:
    """`mig 1g.10gb`, `1/4 by mps`; None where pods have whole GPUs."""
    sharing = pool.sharing
    if sharing.kind == "none":
        return None
    return f"mig {sharing.profile}" if sharing.profile else f"1/{sharing.pods_per_gpu} by {sharing.kind}"


def _gib(value_bytes: float) -> float:
    return round(value_bytes / GIB, 2)


def nodes(plan: StackPlan, picture: StackPicture) -> list[PoolNodesPart]:
    """Every GPU pool: how many nodes, and how its models lie on them at fewest and at most replicas."""
    rooms = dict(zip(((m.namespace, m.name) for m in plan.models), (m.room for m in picture.models), strict=True))
    return [_pool(plan, pool, shown, rooms) for pool, shown in zip(plan.gpu_pools, picture.pools, strict=True)]


def _pool(
    plan: StackPlan, pool: NodeGroupPlan, shown: PoolPicture, rooms: Mapping[tuple[str, str], RoomPlan]
) -> PoolNodesPart:
    fit = next((plain(node_fit) for node_fit in plan.node_fits if node_fit.pool == pool.name), None)
    served = [model for model in plan.models if model.pool == pool.name]
    return {
        "pool": pool.name,
        "instance_types": list(pool.instance_types),
        "capacity": _capacity(pool),
        "gpu": pool.gpu,
        "gpus_per_node": pool.gpus_per_node,
        "image": " ".join(filter(None, (pool.ami_type, pool.ami_release_version))),
        "sharing": _share_name(pool),
        "advertised_per_node": pool.advertised_gpus,
        "min_nodes": pool.min_nodes,
        "max_nodes": pool.max_nodes,
        "room_per_node": plain(shown.room),
        "node": fit,
        "stranded": plain(next((node_fit.stranded for node_fit in plan.node_fits if node_fit.pool == pool.name), None)),
        "spare": plain(shown.spare),
        "pods": [cast("PodPart", {"model": m.name, **plain(rooms[m.namespace, m.name])}) for m in served],
        "at_fewest": _packed(shown.at_fewest),
        "at_most": _packed(shown.at_most),
    }


def _capacity(pool: NodeGroupPlan) -> str:
    """How its nodes may be bought; of Karpenter's pools every way, the one that it tries first in front."""
    if pool.karpenter is None and pool.reservation is not None:
        kind = "capacityBlock" if pool.capacity_type == "CAPACITY_BLOCK" else "reservation"
        return f"{kind} {pool.reservation.id or pool.reservation.resource_group_arn}"
    if pool.karpenter is None:
        return "spot" if pool.capacity_type == "SPOT" else "onDemand"
    words = {"reserved": "reserved", "spot": "spot", "on-demand": "onDemand"}
    return "karpenter: " + ", ".join(words[capacity_type] for capacity_type in pool.karpenter.capacity_types)


def _packed(packing: PackingPicture | None) -> PackingPart | None:
    if packing is None:
        return None
    return {
        "replicas": packing.replicas,
        "nodes": packing.nodes,
        "left": [cast("LeftOnNodes", {"nodes": count, **plain(left)}) for left, count in packing.left],
    }


def needed_quotas(picture: StackPicture) -> list[QuotaPart]:
    """Service quotas by code and amount."""
    return [
        {
            "code": need.quota.code,
            "service": need.quota.service,
            "name": need.quota.name,
            "needed": need.needed,
            "unit": need.quota.unit,
            "account_default": need.quota.default,
            "used_by": list(need.used_by),
        }
        for need in picture.quotas
    ]


def gpus(plan: StackPlan) -> dict[str, tuple[int, int]]:
    """GPUs at fewest and most nodes, by name."""
    gpus_by_name: dict[str, tuple[int, int]] = {}
    for pool in plan.gpu_pools:
        low, high = gpus_by_name.get(str(pool.gpu), (0, 0))
        per_node = pool.gpus_per_node
        gpus_by_name[str(pool.gpu)] = (low + pool.fewest_nodes * per_node, high + pool.max_nodes * per_node)
    return gpus_by_name


def pulled(resources: Sequence[ResourcePart]) -> tuple[list[str], list[Chart]]:
    """Images that our own pods name, and charts (whose images are the charts' affair)."""
    images: set[str] = set()
    charts: dict[tuple[str, str], Chart] = {}
    for resource in resources:
        inputs = resource["inputs"]
        if resource["type"] == "kubernetes:helm.sh/v3:Release":
            repository = (inputs.get("repositoryOpts") or {}).get("repo")
            key = (str(inputs.get("chart")), str(inputs.get("version")))
            moved = definitions_of(key[0])
            said = None if moved is None else moved.words
            charts[key] = {"chart": key[0], "version": key[1], "repository": repository, "definitions": said}
        elif resource["type"].startswith("kubernetes:"):
            images |= set(_images(inputs))
    return sorted(images), [charts[key] for key in sorted(charts)]


def _images(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["image"]] if isinstance(value.get("image"), str) else []
        return own + [image for item in value.values() for image in _images(item)]
    return [image for item in value for image in _images(item)] if isinstance(value, list) else []


def plain(value: Any) -> Any:
    """Frozen plan values as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
