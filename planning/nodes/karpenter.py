"""What Karpenter is told of a pool's nodes."""

from __future__ import annotations

from planning.model import KarpenterNodesPlan
from settings.pools import CapacityType, KarpenterPool

# Karpenter takes the first that has capacity in this order, whatever the order of the requirement's values
# (https://karpenter.sh/docs/concepts/nodepools/, "Capacity Type").
PREFERRED = ((CapacityType.RESERVED, "reserved"), (CapacityType.SPOT, "spot"), (CapacityType.ON_DEMAND, "on-demand"))
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
RAID0 = "RAID0"
# Of a pool that no model uses: pods of others, and the GPU Operator's.
LEAST_GRACE_SECONDS = 600


def nodes_plan(pool: KarpenterPool, arch: str, raid0: bool) -> KarpenterNodesPlan:
    """What Karpenter is told of a pool; how long a drain may take comes with its models (`with_drain`)."""
    date = pool.ami_release_version.rpartition("-")[2]
    return KarpenterNodesPlan(
        capacity_types=tuple(word for asked, word in PREFERRED if asked in pool.capacity_types),
        capacity_reservation_ids=pool.capacity_reservation_ids,
        ami_alias=f"al2023@v{date}",
        architecture=ARCHITECTURES[arch],
        instance_store=RAID0 if raid0 else None,
        consolidate_after_seconds=pool.consolidate_after_seconds,
        expire_after_hours=None if pool.expire_after_days is None else 24 * pool.expire_after_days,
        replaced_at_once=pool.replaced_at_once,
        termination_grace_seconds=pool.termination_grace_seconds or LEAST_GRACE_SECONDS,
    )
