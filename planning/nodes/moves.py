"""What a model would need to change its serving backend: room for new servers beside those that run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planning.backends.table import OURS, backends
from planning.model import MovePicture, NodeGroupPlan, PodResources, ServedModel, StackPlan
from planning.nodes.fit import Room, daemons, node_room, pack
from planning.nodes.instances import instance_type
from planning.nodes.quantity import mib, millicores


@dataclass(frozen=True)
class PoolRoom:
    """Of a pool: room of a node, how many nodes there are at most, and the pods of its models by what they take."""

    node: Room
    max_nodes: int
    at_fewest: Counter[Room] = field(default_factory=Counter)
    at_most: Counter[Room] = field(default_factory=Counter)


def model_moves(models: Sequence[ServedModel], pools: Mapping[str, PoolRoom]) -> tuple[MovePicture, ...]:
    """Of each model to the backend that the plan gives it. `pools`: by name, without pods yet."""
    rooms = [pod_room(model) for model in models]
    for model, room in zip(models, rooms, strict=True):
        pools[model.pool].at_fewest[room] += model.autoscaling.min_replicas * model.pods_per_replica
        pools[model.pool].at_most[room] += model.autoscaling.max_replicas * model.pods_per_replica
    return tuple(_move(model, room, pools[model.pool]) for model, room in zip(models, rooms, strict=True))


def _move(model: ServedModel, room: Room, pool: PoolRoom) -> MovePicture:
    """A Deployment without a number of replicas is made with one (Kubernetes' default); a backend that owns the
    replicas begins with the fewest.
    """
    scaling = model.autoscaling
    ours = backends()[model.backend].scaler == OURS
    new = scaling.fixed_replicas or (1 if ours else max(1, scaling.min_replicas))
    pods = new * model.pods_per_replica
    starts = [*model.node_start, *model.cold_start]
    return MovePicture(
        model=model.name,
        pool=model.pool,
        new_servers=new,
        gpus=new * model.gpus_per_replica,
        fewest=scaling.min_replicas,
        fits_at_fewest=_fits(pool, pool.at_fewest, room, pods),
        fits_at_most=_fits(pool, pool.at_most, room, pods),
        on_one_node=model.cache.access_mode == "ReadWriteOnce",
        exact=scaling.fixed_replicas is not None or 0 < scaling.min_replicas == scaling.max_replicas,
        seconds=(sum(term.low_seconds for term in model.cold_start), sum(term.high_seconds for term in starts)),
    )


def _fits(pool: PoolRoom, there: Counter[Room], room: Room, new: int) -> bool:
    packing = pack([*there.items(), (room, new)], pool.node)
    return packing is not None and packing.nodes <= pool.max_nodes


def pod_room(model: ServedModel) -> Room:
    """What one of its pods takes of a node, with what stands beside the server."""
    server, keeper = _room(model.resources), model.compiled and _room(model.compiled.keep)
    return server.plus(keeper) if keeper else server


def _room(asked: PodResources) -> Room:
    return Room(asked.gpus, millicores(asked.cpu_request), mib(asked.memory), mib(asked.ephemeral_storage))


def group_room(plan: StackPlan, group: NodeGroupPlan) -> Room:
    """What pods may request of a node. EKS may give any of the types: the plan counts with the one that holds least."""
    smallest = min(map(instance_type, group.instance_types), key=lambda type_: type_.allocatable_memory_mib)
    present = daemons(plan.gpu_operator is not None, plan.monitoring is not None)
    return node_room(smallest, group.pods_disk_gib, present, group.sharing.pods_per_gpu)
