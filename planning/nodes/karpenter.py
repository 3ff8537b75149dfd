"""What Karpenter is told of a pool's nodes."""

from __future__ import annotations

from planning.model import GpuSharingPlan, KarpenterNodesPlan
from planning.nodes.bottlerocket import alias_of, is_bottlerocket
from planning.nodes.instances import InstanceType
from settings.pools import CapacityType, KarpenterPool

# Karpenter takes the first that has capacity in this order, whatever the order of the requirement's values
# (https://karpenter.sh/docs/concepts/nodepools/, "Capacity Type").
PREFERRED = ((CapacityType.RESERVED, "reserved"), (CapacityType.SPOT, "spot"), (CapacityType.ON_DEMAND, "on-demand"))
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
RAID0 = "RAID0"
# Of a pool that no model uses: pods of others, and the GPU Operator's.
LEAST_GRACE_SECONDS = 600


def nodes_plan(
    pool: KarpenterPool, instance_type: InstanceType, raid0: bool, sharing: GpuSharingPlan
) -> KarpenterNodesPlan:
    """What Karpenter is told of a pool; how long a drain may take comes with its models (`with_drain`)."""
    release = pool.ami_release_version
    return KarpenterNodesPlan(
        capacity_types=tuple(word for asked, word in PREFERRED if asked in pool.capacity_types),
        capacity_reservation_ids=pool.capacity_reservation_ids,
        ami_alias=alias_of(release) if is_bottlerocket(pool) else f"al2023@v{release.rpartition('-')[2]}",
        architecture=ARCHITECTURES[instance_type.arch],
        instance_store=RAID0 if raid0 else None,
        consolidate_after_seconds=pool.consolidate_after_seconds,
        expire_after_hours=None if pool.expire_after_days is None else 24 * pool.expire_after_days,
        replaced_at_once=pool.replaced_at_once,
        termination_grace_seconds=pool.termination_grace_seconds or LEAST_GRACE_SECONDS,
        told_gpus=_told_gpus(instance_type, sharing),
    )


def _told_gpus(instance_type: InstanceType, sharing: GpuSharingPlan) -> int | None:
    """Karpenter sums the GPUs that EC2 states of a type: whole ones, and 0 where it has a part of one
    (v1.14.0, pkg/providers/instancetype/types.go, nvidiaGPUs). A node of a pool that shares has another number."""
    is_part = instance_type.gpu is not None and instance_type.gpu.is_part
    advertised = instance_type.gpu_count * sharing.pods_per_gpu
    return advertised if is_part or sharing.pods_per_gpu > 1 else None
