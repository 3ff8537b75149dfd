"""What the simulated cluster-autoscaler decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.nodes.scaling import (
    Group,
    NodeTaint,
    Requirement,
    ScaledNode,
    ScheduledPod,
    Toleration,
    grow,
    leaving,
    unneeded_since,
)
from planning.model import GPU_RESOURCE as GPU

GIB = 2.0**30
GPU_TAINT = NodeTaint(GPU, "present", "NoSchedule")
TOLERATES = (Toleration(GPU, "Exists", "", "NoSchedule"),)
L4_ROOM = {"cpu": 7.9, "memory": 29 * GIB, GPU: 1.0, "pods": 58.0}
L4 = Group("l4", 1, 1, 3, {"pool": "l4", "gpu-type": "l4"}, (GPU_TAINT,), L4_ROOM)
A10G_ROOM = {"cpu": 47.0, "memory": 180 * GIB, GPU: 4.0, "pods": 234.0}
A10G = Group("a10g", 0, 0, 2, {"pool": "a10g", "gpu-type": "a10g"}, (GPU_TAINT,), A10G_ROOM)
SYSTEM = Group("system", 2, 2, 4, {"pool": "system"}, (), {"cpu": 1.9, "memory": 7 * GIB, "pods": 29.0})
GROUPS = (L4, A10G, SYSTEM)


def server(name: str = "a", **changes: Any) -> ScheduledPod:
    """A model's pod on the L4 pool, for one GPU."""
    usual = ScheduledPod(name, {"cpu": 7.0, "memory": 24 * GIB, GPU: 1.0, "pods": 1.0}, {"pool": "l4"}, (), TOLERATES)
    return replace(usual, **changes)


def test_a_pod_without_room_buys_a_node_of_its_pool() -> None:
    growth = grow([server()], [], GROUPS)
    assert (growth.added, growth.bought, growth.unhelped) == ({"l4": 1}, {"a": "l4"}, ())


def test_pods_are_laid_together_on_new_nodes() -> None:
    small = [server(name, selector={"pool": "a10g"}) for name in "abcde"]
    assert grow(small, [], GROUPS).added == {"a10g": 2}


def test_two_pools_grow_each_for_its_own() -> None:
    pods = [server("a"), server("b", selector={"pool": "a10g"}), server("c")]
    growth = grow(pods, [], GROUPS)
    assert growth.added == {"l4": 2, "a10g": 1}
    assert growth.bought == {"a": "l4", "c": "l4", "b": "a10g"}


def test_no_more_than_the_maximum_is_bought_and_the_rest_waits() -> None:
    growth = grow([server(name) for name in "abcd"], [], GROUPS)
    assert growth.added == {"l4": 2}
    assert growth.unhelped == ("c", "d")


@pytest.mark.parametrize(
    "impossible",
    [
        server(requests={GPU: 2.0}),  # nodes of one GPU
        server(requests={"cpu": 9.0, GPU: 1.0}),
        server(requests={"example.com/fpga": 1.0}),
        server(tolerations=()),
        server(tolerations=(Toleration(GPU, "Equal", "absent", "NoSchedule"),)),
        server(tolerations=(Toleration(GPU, "Exists", "", "NoExecute"),)),
        server(selector={"pool": "l40s"}),
        server(selector={}, affinity=((Requirement("gpu-type", "In", ("h100",)),),)),
        server(affinity=((Requirement("gpu-type", "Gt", ("1",)),),)),  # not understood: no node in vain
    ],
)
def test_a_pod_that_no_new_node_would_hold_buys_none(impossible: ScheduledPod) -> None:
    growth = grow([impossible], [], GROUPS)
    assert growth.added == {}
    assert growth.unhelped == ("a",)


@pytest.mark.parametrize(
    ("affinity", "group"),
    [
        (((Requirement("gpu-type", "In", ("a10g", "l40s")),),), "a10g"),
        (((Requirement("gpu-type", "NotIn", ("a10g",)), Requirement("gpu-type", "Exists")),), "l4"),
        (((Requirement("pool", "In", ("x",)),), (Requirement("pool", "In", ("l4",)),)), "l4"),
    ],
)
def test_required_node_affinity_chooses_the_group(affinity: tuple[tuple[Requirement, ...], ...], group: str) -> None:
    assert grow([server(selector={}, affinity=affinity)], [], GROUPS).added == {group: 1}


def test_of_groups_that_would_do_the_one_that_wastes_least_is_bought() -> None:
    anywhere = server(selector={})
    assert grow([anywhere], [], GROUPS).added == {"l4": 1}
    full = replace(L4, desired=3)
    assert grow([anywhere], [], (full, A10G, SYSTEM)).added == {"a10g": 1}


def test_a_pod_without_gpu_does_not_land_on_gpu_nodes() -> None:
    plain = ScheduledPod("web", {"cpu": 1.0, "memory": GIB, "pods": 1.0})
    assert grow([plain], [], GROUPS).added == {"system": 1}


def test_a_node_on_its_way_is_not_bought_twice() -> None:
    coming = ScaledNode("new", "l4", L4.labels, L4.taints, L4_ROOM, ready=False)
    growth = grow([server()], [coming], GROUPS)
    assert (growth.added, growth.held) == ({}, {"new"})
    assert grow([server("a"), server("b")], [coming], GROUPS).added == {"l4": 1}


def test_room_that_became_free_is_used_before_a_node_is_bought() -> None:
    there = ScaledNode("n", "l4", L4.labels, L4.taints, L4_ROOM)
    assert grow([server()], [there], GROUPS).added == {}
    assert grow([server()], [replace(there, free={**L4_ROOM, GPU: 0.0})], GROUPS).added == {"l4": 1}
    cordoned = replace(there, taints=(GPU_TAINT, NodeTaint("node.kubernetes.io/unschedulable", "", "NoSchedule")))
    assert grow([server()], [cordoned], GROUPS).added == {"l4": 1}


def test_the_largest_pods_are_laid_first() -> None:
    two = server("two", selector={"pool": "a10g"}, requests={GPU: 2.0})
    ones = [server(name, selector={"pool": "a10g"}, requests={GPU: 1.0}) for name in "abcdef"]
    growth = grow([*ones, two], [], GROUPS)
    assert growth.added == {"a10g": 2}
    assert growth.unhelped == ()


def node(name: str, group: str = "l4", *pods: str, ready: bool = True) -> ScaledNode:
    return ScaledNode(name, group, {}, (), {}, ready, pods)


def down(nodes: list[ScaledNode], since: dict[str, float], *groups: Group, now: float = 100.0) -> list[str]:
    return leaving(nodes, groups, since, now, patience_seconds=60)


THREE = replace(L4, desired=3)


def test_the_empty_node_goes_and_those_with_pods_stay() -> None:
    nodes = [node("a", "l4", "models/x"), node("b"), node("c", "l4", "models/y")]
    since = unneeded_since(nodes, frozenset(), {"b": 30.0}, 100.0)
    assert since == {"b": 30.0}
    assert down(nodes, since, THREE) == ["b"]


def test_a_node_waits_its_time_and_begins_anew_when_it_was_needed_meanwhile() -> None:
    nodes = [node("a", "l4", "x"), node("b")]
    since = unneeded_since(nodes, frozenset(), {}, 50.0)
    assert down(nodes, since, THREE, now=109.9) == []
    assert down(nodes, since, THREE, now=110.0) == ["b"]
    used = unneeded_since([node("b", "l4", "y")], frozenset(), since, 60.0)
    assert used == {}
    assert unneeded_since(nodes, frozenset(), used, 70.0) == {"b": 70.0}


def test_never_below_the_minimum_and_the_longest_unneeded_goes_first() -> None:
    nodes = [node("a"), node("b"), node("c")]
    since = {"a": 30.0, "b": 10.0, "c": 20.0}
    assert down(nodes, since, THREE) == ["b", "c"]
    assert down(nodes, since, replace(THREE, minimum=3)) == []
    assert down(nodes, since, replace(THREE, minimum=0)) == ["b", "c", "a"]


def test_each_group_has_its_own_minimum() -> None:
    nodes = [node("a"), node("s", "system"), node("t", "system")]
    since = dict.fromkeys(("a", "s", "t"), 0.0)
    assert down(nodes, since, replace(L4, minimum=0), SYSTEM) == ["a"]


def test_a_node_that_a_waiting_pod_will_use_or_whose_gpu_is_not_there_yet_is_needed() -> None:
    nodes = [node("held"), node("booting", ready=False), node("empty")]
    assert set(unneeded_since(nodes, frozenset({"held"}), {}, 1.0)) == {"empty"}
