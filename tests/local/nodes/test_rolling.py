"""A managed group that is updated rolls its nodes as EKS' guide says: who comes, who leaves, when, and never more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from local.aws_endpoint.contract.update_config import EVICTION_SECONDS, at_once, surge
from local.nodes.rolling import Moves, Roll, RollingNode, next_moves

SETTLE_SECONDS = 60.0
ZONES = 2


@dataclass
class Group:
    """Nodes that do what is moved: a new one is Ready after two looks, an old one empty after three."""

    roll: Roll
    nodes: dict[int, RollingNode]
    now: float = 1000.0
    began: dict[int, int] = field(default_factory=dict)
    seen: list[list[RollingNode]] = field(default_factory=list)
    log: list[tuple[str, int]] = field(default_factory=list)
    stuck: frozenset[int] = frozenset()

    @classmethod
    def of(cls, count: int, **roll: object) -> Group:
        given = {"surge": 0, "at_once": 1, "force": False, "zones": ZONES, "settle_seconds": SETTLE_SECONDS, **roll}
        nodes = {index: RollingNode(index, index % ZONES, is_new=False, is_ready=True) for index in range(count)}
        return cls(Roll(desired=count, **given), nodes)  # type: ignore[arg-type]

    def look(self) -> Moves:
        moves = next_moves(list(self.nodes.values()), self.roll, self.now)
        self.seen.append(list(self.nodes.values()))
        for kind in ("launch", "mark", "choose", "drained", "terminate", "failed"):
            self.log += [(kind, index) for index in getattr(moves, kind)]
        for index in moves.launch:
            self.nodes[index] = RollingNode(index, index % ZONES, is_new=True, is_ready=False)
        for index in moves.mark:
            self.nodes[index] = replace(self.nodes[index], is_marked=True)
        for index in moves.choose:
            self.nodes[index] = replace(self.nodes[index], chosen_at=self.now)
        for index in moves.drained:
            self.nodes[index] = replace(self.nodes[index], drained_at=self.now)
        for index in moves.terminate:
            del self.nodes[index]
        self.now += 10
        for index, node in self.nodes.items():
            self.began[index] = self.began.get(index, 0) + (index in moves.evict or not node.is_ready)
            if node.chosen_at is not None and self.began[index] >= 3 and index not in self.stuck:
                self.nodes[index] = replace(node, is_empty=True)
            elif not node.is_ready and self.began[index] >= 2:
                self.nodes[index] = replace(node, is_ready=True)
                self.began[index] = 0
        return moves

    def until(self, done: Callable[[Moves], bool], most: int = 500) -> Moves:
        for _ in range(most):
            if done(moves := self.look()):
                return moves
        raise AssertionError(f"never: {self.log[-10:]}")

    def finish(self) -> None:
        self.until(lambda moves: moves.is_over)

    def order(self, kind: str) -> list[int]:
        return [index for what, index in self.log if what == kind]


def _away(nodes: list[RollingNode], desired: int) -> int:
    return desired - sum(node.is_ready and node.chosen_at is None for node in nodes)


@pytest.mark.parametrize(("count", "at_once_"), [(1, 1), (2, 1), (4, 1), (4, 3), (5, 2)])
def test_minimal_never_has_more_nodes_and_never_more_away_than_may_be(count: int, at_once_: int) -> None:
    group = Group.of(count, at_once=at_once_)
    group.finish()
    assert all(node.is_new and node.is_ready for node in group.nodes.values())
    assert max(map(len, group.seen)) == count
    assert max(_away(nodes, count) for nodes in group.seen) == min(at_once_, count)
    assert group.order("choose") == group.order("terminate") == list(range(count)), "each old one once, no new one"
    assert Counter(node.zone for node in group.nodes.values()) == Counter(index % ZONES for index in range(count))


@pytest.mark.parametrize(("count", "at_once_", "more"), [(1, 1, 4), (3, 1, 4), (3, 2, 4), (8, 6, 6)])
def test_default_starts_the_new_ones_first_and_gives_the_surplus_back(count: int, at_once_: int, more: int) -> None:
    group = Group.of(count, at_once=at_once_, surge=more)
    group.finish()
    assert len(group.nodes) == count
    assert all(node.is_new for node in group.nodes.values())
    assert max(map(len, group.seen)) == count + more
    first_mark = group.log.index(("mark", 0))
    assert len([1 for what, _ in group.log[:first_mark] if what == "launch"]) == more
    before = next(nodes for nodes in group.seen if any(node.is_marked for node in nodes))
    assert all(node.is_ready for node in before), "an old node was marked before every new one was Ready"
    # Those that leave and the successors of those that left: with the surplus never fewer Ready ones than wanted.
    assert max(_away(nodes, count) for nodes in group.seen) <= max(0, 2 * at_once_ - more)
    leaving = [sum(not node.is_new and node.chosen_at is not None for node in nodes) for nodes in group.seen]
    assert max(leaving) == min(at_once_, count)
    zones = Counter(node.zone for node in group.nodes.values())
    assert max(zones.values()) - (min(zones.values()) if len(zones) == ZONES else 0) <= 1


def test_a_drained_node_stays_for_a_minute() -> None:
    group = Group.of(2)
    group.until(lambda moves: bool(moves.drained))
    drained = group.now
    group.until(lambda moves: bool(moves.terminate))
    assert group.now - drained == SETTLE_SECONDS


def test_a_pod_that_stays_ends_the_update_after_a_quarter_of_an_hour_and_with_force_the_node() -> None:
    group = Group.of(3)
    group.stuck = frozenset({1})
    failed = group.until(lambda moves: bool(moves.failed))
    assert failed == Moves(failed=(1,))
    assert group.order("terminate") == [0], "the other old ones are left alone"
    (stuck,) = (node for node in group.seen[-1] if node.index == 1)
    assert stuck.chosen_at is not None
    assert EVICTION_SECONDS < group.now - 10 - stuck.chosen_at <= EVICTION_SECONDS + 10
    group = Group.of(3, force=True)
    group.stuck = frozenset({1})
    group.finish()
    assert (group.order("failed"), group.order("terminate"), group.order("drained")) == ([], [0, 1, 2], [0, 2])


def test_what_an_update_before_has_made_new_is_left_alone() -> None:
    group = Group.of(3)
    group.nodes[1] = replace(group.nodes[1], is_new=True)
    group.finish()
    assert group.order("choose") == [0, 2]
    assert 1 in group.nodes


def test_a_group_without_nodes_is_updated_at_once() -> None:
    assert Group.of(0).look() == Moves(is_over=True)


def test_indices_are_new_and_in_the_emptiest_zone() -> None:
    assert Group.of(3, surge=4).look().launch == (3, 4, 5, 6)
    group = Group.of(4, surge=4)
    del group.nodes[0], group.nodes[2]
    assert group.look().launch == (4, 6, 8, 9, 10, 11), "two nodes in zone 1 were all"


@pytest.mark.parametrize(
    ("config", "desired", "leave", "more"),
    [
        ({}, 4, 1, 4),
        ({"maxUnavailable": 3}, 4, 3, 4),
        ({"maxUnavailable": 20}, 30, 20, 20),
        ({"maxUnavailable": 200}, 300, 100, 100),
        ({"maxUnavailablePercentage": 33}, 10, 3, 4),
        ({"maxUnavailablePercentage": 10}, 4, 1, 4),
        ({"maxUnavailable": 3, "updateStrategy": "MINIMAL"}, 4, 3, 0),
    ],
)
def test_how_many_leave_at_once_and_how_many_come_first(
    config: dict[str, object], desired: int, leave: int, more: int
) -> None:
    assert (at_once(config, desired), surge(config, 2, desired)) == (leave, more)
