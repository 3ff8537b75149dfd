"""Where a GPU node's size goes. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomPlan:
    """An amount of everything that the scheduler counts."""

    gpus: int
    """As advertised (`nvidia.com/gpu`; shares where shared)."""
    cpu_millicores: int
    memory_mib: int
    ephemeral_mib: int


@dataclass(frozen=True)
class NodeLeftPlan:
    """Nodes of a pool that are alike at most replicas, and what is left on each."""

    nodes: int
    """How many of them."""
    gpus_used: int
    """GPUs that pods have on each."""
    left: RoomPlan
    pods_more: int
    """Pods (of the model that asks least) that would still fit; 0: what is left is stranded."""


@dataclass(frozen=True)
class NodeFitPlan:
    """A node of a pool, of the type that holds least: total = system + daemons + images + what pods may ask."""

    pool: str
    instance_type: str
    total: RoomPlan
    system: RoomPlan
    """Reserves of kubelet and system, eviction threshold, hypervisor, file system."""
    daemons: RoomPlan
    """What DaemonSets request."""
    images_mib: int
    """Unpacked images, on the disk that pods share."""
    left: tuple[NodeLeftPlan, ...]
    """At most replicas; empty without models."""

    @property
    def stranded(self) -> RoomPlan:
        """Over all its nodes at most replicas: what no pod of the pool's models fits into."""
        rooms = [(node_left.nodes, node_left.left) for node_left in self.left if node_left.pods_more == 0]
        return RoomPlan(
            sum(nodes * room.gpus for nodes, room in rooms),
            sum(nodes * room.cpu_millicores for nodes, room in rooms),
            sum(nodes * room.memory_mib for nodes, room in rooms),
            sum(nodes * room.ephemeral_mib for nodes, room in rooms),
        )
