"""What a rollout adds to a pool: further pods beside those that run, and whom they share a GPU with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planning.findings import Findings
from planning.model import ServedModel
from planning.nodes.capacity import check_capacity
from planning.nodes.demand import PoolDemand
from planning.nodes.pools import Pool
from planning.nodes.sharing import Sharer, check_together
from planning.serving.served import PlannedServer
from settings.stack import StackSettings


def with_surge(
    pools: Mapping[str, Pool | None],
    demands: Mapping[str, PoolDemand],
    served: Sequence[PlannedServer],
    findings: Findings,
) -> list[PlannedServer]:
    """The models with the pods that a rollout may start beside theirs; `demands`: of each pool's models."""
    surge: dict[tuple[str, str], int] = {}
    for name in dict.fromkeys(server.model.pool for server in served):
        pool = pools[name]
        assert pool is not None
        surge |= {(name, key): value for key, value in check_capacity(pool, demands[name], findings).items()}
    return [
        replace(replica_set, model=replace(replica_set.model, max_surge=_surge_of(replica_set.model, surge)))
        for replica_set in served
    ]


def check_shared_gpus(
    settings: StackSettings, pools: Mapping[str, Pool | None], served: list[PlannedServer], findings: Findings
) -> None:
    """The pods that may meet on one GPU, those of a rollout too."""
    asked = {f"models[{index}]": model for index, model in enumerate(settings.models)}
    for name, pool in pools.items():
        if pool is None:
            continue
        sharers = [
            Sharer(
                server.path,
                server.model.name,
                asked[server.path].gpu_memory_utilization,
                server.model.autoscaling.max_replicas + server.model.max_surge,
            )
            for server in served
            if server.model.pool == name
        ]
        check_together(pool.sharing, sharers, name, findings)


def _surge_of(model: ServedModel, surge: Mapping[tuple[str, str], int]) -> int:
    # A pod more may start on another node, which cannot mount the volume.
    if model.cache.access_mode == "ReadWriteOnce":
        return 0
    # The controller of groups takes a group more away before the last of the others is Ready.
    if model.group is not None:
        return 0
    return surge[model.pool, f"{model.namespace}/{model.name}"]
