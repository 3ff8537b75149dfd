"""A floor of replicas in production does not stand on nodes that AWS may take back all at once.

The policy of the same name stays beside this refusal: it judges what is registered, so it also holds a change of the
components and a program that uses them without this plan. The refusal comes earlier, names the path, and has no waiver.
"""

from __future__ import annotations

from planning.findings import Findings, listed
from settings.pools import CapacityType, KarpenterPool, ManagedPool, NodePool
from settings.stack import StackSettings


def check_floor(settings: StackSettings, findings: Findings) -> None:
    """Refuses pools of spot nodes alone under models with `minReplicas`, managed or Karpenter's."""
    for index, pool in enumerate(settings.node_pools):
        floor = [
            model.name
            for model in settings.models
            if model.autoscaling.min_replicas > 0 and settings.pool_name_of(model) == pool.name
        ]
        if floor and _only_spot(pool):
            managed = isinstance(pool, ManagedPool)
            findings.error(
                f"nodePools[{index}].{'capacity' if managed else 'capacityTypes'}",
                "spot-floor",
                f"{'spot' if managed else '[spot]'}, and minReplicas of {listed(floor, 5)} in production: AWS may take "
                "all of them back at once",
                "write capacity: onDemand, or kind: karpenter with capacityTypes: [spot, onDemand]"
                if managed
                else "write capacityTypes: [spot, onDemand]",
            )


def _only_spot(pool: NodePool) -> bool:
    return set(pool.capacity_types) == {CapacityType.SPOT} if isinstance(pool, KarpenterPool) else pool.may_be_spot
