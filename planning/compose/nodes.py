"""Node pools of a stack, by name; None where a pool cannot be planned and findings say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planning.cluster.karpenter import with_drain
from planning.compose.request import Request
from planning.findings import Findings
from planning.model import CreateNetworkPlan, ExistingNetworkPlan, ServedModel
from planning.nodes.places import check_zones
from planning.nodes.pools import Pool, plan_pool
from planning.nodes.reservations import check_reservations
from planning.nodes.volumes import check_volume_zones


def plan_pools(
    request: Request, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> dict[str, Pool | None]:
    """GPU pools as written, before it is known what the models on them ask (`planning/compose/serving.py`)."""
    settings = request.settings
    planned = {
        pool.name: plan_pool(pool, index, settings.cluster.version, request.production, findings)
        for index, pool in enumerate(settings.node_pools)
    }
    for index, pool in enumerate(settings.node_pools):
        check_zones(pool, index, network, findings)
    check_reservations(settings, network, request.production, findings)
    check_volume_zones(settings, network, findings)
    return planned


def with_models(
    pools: Mapping[str, Pool | None], models: Sequence[ServedModel], findings: Findings
) -> tuple[Pool, ...]:
    """The pools that could be planned, with what the models on them ask of their nodes."""
    return tuple(with_drain(pool, models, findings) for pool in pools.values() if pool is not None)
