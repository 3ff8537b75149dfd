"""What EKS does next with the nodes of a managed group that is being updated. Pure: values in, moves out.

The guide's phases (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html): with DEFAULT
new nodes first, then all old ones are marked unschedulable, drained so many at a time and ended, until the group is as
large as it was. What the guide leaves open is decided here, on the strict side: MINIMAL, too, marks all old nodes
before the first leaves; a node that ends is replaced; with MINIMAL it counts as away until its successor is Ready;
nodes that are too many leave one at a time, those of the fullest zone first, whatever runs on them, drained for 15
minutes at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from local.aws_endpoint.contract.update_config import EVICTION_SECONDS


@dataclass(frozen=True)
class RollingNode:
    """A node of the group: `index` as in rendering, `zone` as an index of the group's. Times by the wall clock, s."""

    index: int
    zone: int
    is_new: bool
    is_ready: bool
    is_marked: bool = False
    """Unschedulable, and out of external load balancers."""
    chosen_at: float | None = None
    drained_at: float | None = None
    is_empty: bool = False
    """Nothing is left on it but what never leaves (DaemonSets' pods)."""


@dataclass(frozen=True)
class Roll:
    """An update: how many nodes the group wants, how many more it may have meanwhile, how many leave at a time."""

    desired: int
    surge: int
    at_once: int
    force: bool
    zones: int
    settle_seconds: float
    """Between the end of a drain and the end of the node: 60 on EKS."""


@dataclass(frozen=True)
class Moves:
    """Indices of nodes, each kind to be done now; `failed`: those that could not be drained, and the update ends."""

    launch: tuple[int, ...] = ()
    mark: tuple[int, ...] = ()
    choose: tuple[int, ...] = ()
    evict: tuple[int, ...] = ()
    drained: tuple[int, ...] = ()
    terminate: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    is_over: bool = False


def next_moves(nodes: Sequence[RollingNode], roll: Roll, now: float) -> Moves:
    """One look; every look gives the same for the same nodes and clock, so that the watcher may be restarted."""
    old, new = [node for node in nodes if not node.is_new], [node for node in nodes if node.is_new]
    if not old:
        return _shrink(new, roll, now)
    launch = _launched(nodes, roll.desired + roll.surge - len(nodes), roll.zones)
    if roll.surge and (launch or not all(node.is_ready for node in new)) and not any(node.is_marked for node in old):
        return Moves(launch=launch)
    leaving = [node for node in old if node.chosen_at is not None]
    late = [node for node in leaving if _is_late(node, now)]
    if late and not roll.force:
        return Moves(failed=_indices(late))
    unmarked = [node for node in old if not node.is_marked]
    stay = [node for node in old if node.chosen_at is None]
    chosen = stay[: _places(nodes, roll)] if not unmarked else []
    return Moves(
        launch=launch,
        mark=_indices(unmarked),
        choose=_indices(chosen),
        evict=_indices(node for node in leaving if not node.is_empty and node not in late),
        drained=_indices(node for node in leaving if node.is_empty and node.drained_at is None),
        terminate=_indices(node for node in leaving if node in late or _has_settled(node, roll.settle_seconds, now)),
    )


def _places(nodes: Sequence[RollingNode], roll: Roll) -> int:
    """How many more nodes may be chosen now."""
    leaving = sum(not node.is_new and node.chosen_at is not None for node in nodes)
    if roll.surge:
        return max(0, roll.at_once - leaving)
    serving = sum(node.is_ready and node.chosen_at is None for node in nodes)
    return max(0, roll.at_once - (roll.desired - serving))


def _shrink(new: Sequence[RollingNode], roll: Roll, now: float) -> Moves:
    """The last phase: back to the size of before, or until the last new node is Ready."""
    surplus = len(new) - roll.desired
    if surplus <= 0:
        ready = all(node.is_ready for node in new)
        return Moves(launch=_launched(new, -surplus, roll.zones), is_over=not surplus and ready)
    leaving = [node for node in new if node.chosen_at is not None]
    if not leaving:
        in_zone = Counter(node.zone for node in new)
        one = (max(new, key=lambda node: (in_zone[node.zone], node.index)).index,)
        return Moves(mark=one, choose=one)
    gone = [node for node in leaving if node.is_empty or _is_late(node, now)]
    return Moves(evict=_indices(node for node in leaving if node not in gone), terminate=_indices(gone))


def _launched(nodes: Sequence[RollingNode], count: int, zones: int) -> tuple[int, ...]:
    """Free indices above all others, each in the zone with the fewest nodes (Availability Zone Rebalancing)."""
    in_zone = Counter(node.zone for node in nodes)
    free = max((node.index for node in nodes), default=-1) + 1
    indices = []
    for _ in range(count):
        zone = min(range(zones), key=lambda zone: (in_zone[zone], zone))
        in_zone[zone] += 1
        free += (zone - free) % zones
        indices.append(free)
        free += 1
    return tuple(indices)


def _is_late(node: RollingNode, now: float) -> bool:
    return node.chosen_at is not None and not node.is_empty and now - node.chosen_at > EVICTION_SECONDS


def _has_settled(node: RollingNode, settle_seconds: float, now: float) -> bool:
    return node.is_empty and node.drained_at is not None and now - node.drained_at >= settle_seconds


def _indices(nodes: Iterable[RollingNode]) -> tuple[int, ...]:
    return tuple(node.index for node in nodes)
