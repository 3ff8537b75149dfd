"""Where images, logs and emptyDirs of a pool's nodes lie: on the root volume, or on NVMe disks of the instance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planning.findings import Findings, listed
from planning.model import NodeGroupPlan
from planning.nodes.instances import InstanceType, allocatable_ephemeral_mib
from settings.node_system import InstanceStore
from settings.pools import NodePool

# gp3: 3,000 IOPS and 125 MiB/s are in the price; throughput needs one IOPS per 0.25 MiB/s
# (https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html).
GP3_IOPS = 3000
GP3_MIBPS = 125
GP3_IOPS_PER_MIBPS = 4
LARGEST_VOLUME_GIB = 16384

# Root volume where it holds images and weights too, and where it holds the system only (the AMI's snapshot is 20 GiB).
DISK_GIB, DISK_MIBPS = 200, 600
SYSTEM_DISK_GIB = 50
# A good start, and slower than the usual pull below (aws-samples/karpenter-blueprints, soci-snapshotter/README.md; AWS'
# documents as docs.convox.com/configuration/rack-parameters/aws/fast_image_pull_enable gives them, 2026-11-27).
FAST_START_MIBPS = 600


@dataclass(frozen=True)
class NodeDisk:
    """Root volume, and what the instance store holds on the type with the least; None where nothing is done with it."""

    root_gib: int
    root_mibps: int
    instance_store_gib: int | None

    @property
    def root_iops(self) -> int:
        """What gp3 needs for that throughput."""
        return max(GP3_IOPS, math.ceil(self.root_mibps * GP3_IOPS_PER_MIBPS))

    @property
    def pods_gib(self) -> int:
        """Size of the file system that pods' images, logs and emptyDirs share, GiB."""
        return self.instance_store_gib or self.root_gib


def plan_disk(pool: NodePool, types: Sequence[InstanceType], path: str, findings: Findings) -> NodeDisk:
    """By default RAID0 where each type holds what the root volume would have, and that has no size of its own."""
    stores = {type_.name: int(type_.nvme_gb * 1e9 / 2**30) for type_ in types}
    raid0 = pool.instance_store is InstanceStore.RAID0
    if pool.instance_store is None:
        sized = pool.disk_gib is not None or pool.disk_throughput_mibps is not None
        raid0 = not sized and min(stores.values()) >= DISK_GIB
    elif raid0 and (without := [name for name, gib in stores.items() if not gib]):
        findings.error(
            f"{path}.instanceStore",
            "no-instance-store",
            f"raid0, but {listed(without)} has no instance store",
            "write instanceStore: unused, or types that have NVMe disks",
        )
        raid0 = False
    if pool.fast_start and not raid0 and (asked := pool.disk_throughput_mibps or DISK_MIBPS) < FAST_START_MIBPS:
        findings.error(
            f"{path}.diskThroughputMibps",
            "fast-start-disk",
            f"{asked} MiB/s, and with fastStart images come slower than without below {FAST_START_MIBPS}",
            f"write {FAST_START_MIBPS} or more, or fastStart: false",
        )
    usual = (SYSTEM_DISK_GIB, GP3_MIBPS) if raid0 else (DISK_GIB, DISK_MIBPS)
    return NodeDisk(
        pool.disk_gib or usual[0], pool.disk_throughput_mibps or usual[1], min(stores.values()) if raid0 else None
    )


def too_small(group: NodeGroupPlan, path: str, needed_mib: int) -> tuple[str, str, str] | None:
    """Where it is written, what a node has, and what to write for pods that need so much; None where it is enough."""
    have_gib = group.pods_disk_gib
    if allocatable_ephemeral_mib(have_gib) >= needed_mib:
        return None
    disk_gib = have_gib
    while allocatable_ephemeral_mib(disk_gib) < needed_mib and disk_gib < LARGEST_VOLUME_GIB:
        disk_gib += 10
    disk_gib = min(-(-disk_gib // 10) * 10, LARGEST_VOLUME_GIB)
    enough = allocatable_ephemeral_mib(disk_gib) >= needed_mib
    write = (
        f"write {disk_gib}"
        if enough
        else f"the largest volume is {LARGEST_VOLUME_GIB} GiB; write less ephemeralStorage"
    )
    if group.instance_store_gib is None:
        return f"{path}.diskGib", f"{have_gib} GiB", write
    other = f"write instanceStore: unused and diskGib: {disk_gib}" if enough else write
    return f"{path}.instanceStore", f"{have_gib} GiB of instance store", f"{other}, or a type with larger disks"
