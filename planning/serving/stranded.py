"""What is left on a pool's nodes when its models are on them, and which GPUs nothing will ever reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.findings import Findings, listed
from planning.model import NodeFitPlan, NodeLeftPlan, RoomPlan
from planning.nodes.disks import too_small
from planning.nodes.fit import IMAGE_UNPACKED_MIB, SHARING_DAEMONS, Daemon, Packing, Room, pack
from planning.nodes.instances import allocatable_ephemeral_mib
from planning.nodes.pod_resources import pool_room
from planning.nodes.pools import Pool
from planning.serving.served import PlannedServer


def plan_node_fits(
    pools: Sequence[Pool], present: tuple[Daemon, ...], served: Sequence[PlannedServer], findings: Findings
) -> tuple[NodeFitPlan, ...]:
    """Every pool's node, and findings about GPUs and disks that only the pods together show."""
    return tuple(
        _node_fit(
            pool, present, [candidate for candidate in served if candidate.model.pool == pool.settings.name], findings
        )
        for pool in pools
    )


def _node_fit(
    pool: Pool, present: tuple[Daemon, ...], served: Sequence[PlannedServer], findings: Findings
) -> NodeFitPlan:
    present = (*present, *SHARING_DAEMONS.get(pool.sharing.kind, ()))
    node, disk_gib = pool.smallest, pool.group.pods_disk_gib
    room = pool_room(pool, present)
    images_mib = IMAGE_UNPACKED_MIB * len({server.model.image for server in served})
    packing = pack([(s.pod.room, s.model.autoscaling.max_replicas * s.model.pods_per_replica) for s in served], room)
    fit = NodeFitPlan(
        pool=pool.settings.name,
        instance_type=node.name,
        total=RoomPlan(room.gpus, node.vcpu * 1000, node.memory_mib, disk_gib * 1024),
        system=RoomPlan(
            0,
            node.vcpu * 1000 - node.allocatable_cpu_millicores,
            node.memory_mib - node.allocatable_memory_mib,
            disk_gib * 1024 - allocatable_ephemeral_mib(disk_gib),
        ),
        daemons=RoomPlan(
            0, sum(daemon.cpu_millicores for daemon in present), sum(daemon.memory_mib for daemon in present), 0
        ),
        images_mib=images_mib,
        left=(),
    )
    if packing is None:
        return fit  # a pod that fits no node was refused, or accepted as a risk
    if len(served) > 1:
        _check_disk(pool, packing, room, images_mib, served, findings)
    fit = replace(fit, left=_left(packing, room, images_mib, served))
    _check_gpus(pool, fit, served, findings)
    return fit


def _left(packing: Packing, room: Room, images_mib: int, served: Sequence[PlannedServer]) -> tuple[NodeLeftPlan, ...]:
    kinds = []
    for left, nodes in packing.left:
        after_images = replace(left, ephemeral_mib=max(0, left.ephemeral_mib - images_mib))
        more = max((after_images.holds(server.pod.room) for server in served), default=0)
        kinds.append(NodeLeftPlan(nodes, room.gpus - left.gpus, _plain(after_images), more))
    return tuple(kinds)


def _plain(room: Room) -> RoomPlan:
    return RoomPlan(room.gpus, room.cpu_millicores, room.memory_mib, room.ephemeral_mib)


def _check_gpus(pool: Pool, fit: NodeFitPlan, served: Sequence[PlannedServer], findings: Findings) -> None:
    """GPUs that are paid for and that no pod can have, because something else of the node ran out first."""
    fewest = min((server.pod.room.gpus for server in served), default=0)
    stuck = [left for left in fit.left if left.pods_more == 0 and fewest and left.left.gpus >= fewest]
    gpus = sum(left.nodes * left.left.gpus for left in stuck)
    if not gpus:
        return
    short = min((server.pod.room for server in served), key=lambda room: (room.gpus, room.memory_mib))
    lacking = [
        name
        for name, left, needed in (
            ("cpu", stuck[0].left.cpu_millicores, short.cpu_millicores),
            ("memory", stuck[0].left.memory_mib, short.memory_mib),
            ("ephemeral storage", stuck[0].left.ephemeral_mib, short.ephemeral_mib),
        )
        if left < needed
    ]
    price = pool.smallest.usd_per_hour
    cost = f" (${price * gpus / fit.total.gpus:.2f}/h)" if price is not None else ""
    what = "shares" if pool.sharing.kind != "none" else "GPUs"
    verb = "is" if gpus == 1 else "are"
    findings.warning(
        f"{pool.path}.instanceTypes",
        "gpus-stranded",
        f"{gpus} of {fit.total.gpus * sum(left.nodes for left in fit.left)} {what}{cost} {verb} out of reach: on "
        f"{fit.instance_type} the {listed(lacking) or 'room'} is gone before them",
        f"let {listed([server.model.name for server in served], 5)} ask for less (resources), or take a type with more",
    )


def _check_disk(
    pool: Pool, packing: Packing, room: Room, images_mib: int, served: Sequence[PlannedServer], findings: Findings
) -> None:
    """Pods of several models beside the images they unpack; one model alone was checked with its pod."""
    fullest = min((left.ephemeral_mib for left, _ in packing.left), default=room.ephemeral_mib)
    missing_mib = images_mib - fullest
    short = too_small(pool.group, pool.path, room.ephemeral_mib + missing_mib) if missing_mib > 0 else None
    if short is None or any(finding.path == short[0] and finding.rule == "disk-fit" for finding in findings.all()):
        return
    where, there, write = short
    names = listed([server.model.name for server in served], 5)
    findings.estimate(
        where,
        "disk-fit",
        f"{there}: the pods of {names} that meet on a node leave {max(0, fullest) // 1024}Gi for images, which take "
        f"about {images_mib // 1024}Gi: the kubelet evicts pods",
        next((server.pod.accepted for server in served if server.pod.accepted), None),
        "nodeFit",
        fix=write,
    )
