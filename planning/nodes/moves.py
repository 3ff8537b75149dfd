"""What a model would need to change its serving backend: room for new servers beside those that run."""

from __future__ import annotations

from collections.abc import Sequence

from planning.backends.table import OURS, backends
from planning.model import MovePicture, NodeGroupPlan, ServedModel
from planning.nodes.fit import Room, pack
from planning.nodes.quantity import mib, millicores


def model_move(model: ServedModel, pool: NodeGroupPlan, room: Room, models: Sequence[ServedModel]) -> MovePicture:
    """Of one model to the backend that the plan gives it. `room`: of a node of its pool; `models`: those of the stack.

    A Deployment without a number of replicas is made with one (Kubernetes' default); a backend that owns the replicas
    begins with the fewest.
    """
    scaling = model.autoscaling
    ours = backends()[model.backend].scaler == OURS
    new = scaling.fixed_replicas or (1 if ours else max(1, scaling.min_replicas))
    own = [each for each in models if each.pool == model.pool]

    def fits(most: bool) -> bool:
        counts = [(each.autoscaling.max_replicas if most else each.autoscaling.min_replicas) for each in own]
        pods = [(pod_room(each), count) for each, count in zip(own, counts, strict=True)]
        packing = pack([*pods, (pod_room(model), new)], room)
        return packing is not None and packing.nodes <= pool.max_nodes

    starts = [*model.node_start, *model.cold_start]
    return MovePicture(
        model=model.name,
        namespace=model.namespace,
        backend=model.backend,
        pool=model.pool,
        new_servers=new,
        gpus=new * model.resources.gpus,
        fewest=scaling.min_replicas,
        fits_at_fewest=fits(most=False),
        fits_at_most=fits(most=True),
        on_one_node=model.cache.access_mode == "ReadWriteOnce",
        exact=scaling.fixed_replicas is not None or 0 < scaling.min_replicas == scaling.max_replicas,
        seconds=(sum(term.low_seconds for term in model.cold_start), sum(term.high_seconds for term in starts)),
    )


def pod_room(model: ServedModel) -> Room:
    """What one of its pods takes of a node."""
    asked = model.resources
    return Room(asked.gpus, millicores(asked.cpu_request), mib(asked.memory), mib(asked.ephemeral_storage))
