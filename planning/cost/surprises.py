"""What is billed by use and not by the hour: said beside the hourly lines, and in no sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from planning.cluster.quotas import surge_nodes
from planning.cost.prices import PRICES, cite
from planning.model import (
    CostLine,
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    NodeGroupPlan,
    ServedModel,
)

# vLLM's image as it is pulled, GB (planning/serving/cold_start.py has the source), and the operator's, agents' and
# exporters' images of a GPU node, packed: an estimate.
IMAGE_GB = 10.8
OTHER_IMAGES_GB = 2.5
# Layers in ECR of the stack's own region come through the S3 endpoint, past the NAT gateway.
_ECR = ".dkr.ecr."


def surprises(
    cluster: CreateClusterPlan | ExistingClusterPlan,
    network: CreateNetworkPlan | ExistingNetworkPlan,
    groups: Sequence[NodeGroupPlan],
    models: Sequence[ServedModel],
    node_usd: dict[str, float],
    elastic: bool = False,
) -> tuple[CostLine, ...]:
    """`node_usd`: dollars an hour of a group's dearest type, by its name, where its price is known. `elastic`: the
    stack's file system bills what is read."""
    return (
        *_logs(cluster),
        *_nat(network, groups, models),
        *_read(models, elastic),
        *_updates(network, groups, node_usd),
    )


def _line(what: str, price: str) -> CostLine:
    return CostLine(what, None, None, cite(price))


def _logs(cluster: CreateClusterPlan | ExistingClusterPlan) -> Iterator[CostLine]:
    if isinstance(cluster, CreateClusterPlan) and cluster.log_types:
        usd = PRICES["logs-ingested"].usd
        yield _line(f"control-plane logs ({', '.join(cluster.log_types)}): ${usd:.2f} for each GB", "logs-ingested")


def _nat(
    network: CreateNetworkPlan | ExistingNetworkPlan, groups: Iterable[NodeGroupPlan], models: Sequence[ServedModel]
) -> Iterator[CostLine]:
    """Of a GPU pool: images of a new node, and the weights of each pod that has no volume of its own for them."""
    if isinstance(network, ExistingNetworkPlan):
        return
    for group in groups:
        own = [model for model in models if model.pool == group.name]
        if not own:
            continue
        images = 0.0 if all(_ECR in model.image for model in own) else IMAGE_GB + OTHER_IMAGES_GB
        weights = max((_weights_gb(model) for model in own if model.cache.kind == "emptyDir"), default=0.0)
        gb = images + weights
        if gb:
            usd = gb * PRICES["nat-data"].usd
            parts = f"images {images:.1f} GB" if images else "images from ECR in the region"
            per_pod = f", weights {weights:.1f} GB for each pod" if weights else ""
            yield _line(f"NAT data of a cold start on {group.name}: ${usd:.2f} ({parts}{per_pod})", "nat-data")


def _read(models: Iterable[ServedModel], elastic: bool) -> Iterator[CostLine]:
    for model in models:
        if elastic and model.cache.kind == "efs" and (gb := _weights_gb(model)):
            usd = gb * PRICES["efs-read"].usd
            yield _line(f"EFS reads of each start of {model.name}: ${usd:.2f} ({gb:.1f} GB)", "efs-read")


def _weights_gb(model: ServedModel) -> float:
    memory = model.memory
    return 0.0 if memory is None else memory.weights_bytes_per_gpu * max(1, model.gpus_per_replica) / 1e9


def _updates(
    network: CreateNetworkPlan | ExistingNetworkPlan, groups: Iterable[NodeGroupPlan], node_usd: dict[str, float]
) -> Iterator[CostLine]:
    for group in groups:
        more = surge_nodes(group, network)
        if more and group.name in node_usd:
            usd = more * node_usd[group.name]
            yield _line(f"while {group.name} is updated: {more} nodes more, ${usd:.2f} an hour", "surge")
