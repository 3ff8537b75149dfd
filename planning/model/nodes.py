"""Where a GPU node's size goes. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomPlan:
    """An amount of everything the scheduler counts; `gpus` as advertised (`nvidia.com/gpu`, shares where shared)."""

    gpus: int
    cpu_millicores: int
    memory_mib: int
    ephemeral_mib: int


@dataclass(frozen=True)
class NodeLeftPlan:
    """`nodes` nodes of a pool at most replicas: GPUs that pods have on each, and what is left there.

    `pods_more`: the pods (of the model that asks least) that would still fit; 0: what is left is stranded for good.
    """

    nodes: int
    gpus_used: int
    left: RoomPlan
    pods_more: int


@dataclass(frozen=True)
class NodeFitPlan:
    """A node of a pool, of the type that holds least: `total` = system + daemons + images + what pods may ask.

    `system`: kubelet's and the system's reserves, eviction threshold, hypervisor, file system. `daemons`: what the
    DaemonSets request. `images_mib`: unpacked images, on the disk that pods share. `left`: at most replicas; empty
    without models.
    """

    pool: str
    instance_type: str
    total: RoomPlan
    system: RoomPlan
    daemons: RoomPlan
    images_mib: int
    left: tuple[NodeLeftPlan, ...]

    @property
    def stranded(self) -> RoomPlan:
        """Over all its nodes at most replicas: what no pod of the pool's models fits into."""
        rooms = [(each.nodes, each.left) for each in self.left if each.pods_more == 0]
        return RoomPlan(
            sum(nodes * room.gpus for nodes, room in rooms),
            sum(nodes * room.cpu_millicores for nodes, room in rooms),
            sum(nodes * room.memory_mib for nodes, room in rooms),
            sum(nodes * room.ephemeral_mib for nodes, room in rooms),
        )
