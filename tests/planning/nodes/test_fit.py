from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from planning.nodes.fit import DAEMONS, Room, daemons, default_memory_mib, node_room, pack
from planning.nodes.instances import instance_type

NODE = Room(gpus=4, cpu_millicores=40_000, memory_mib=160_000, ephemeral_mib=200_000)


def gpus(count: int, **more: int) -> Room:
    return Room(count, more.get("cpu", 1000), more.get("memory", 10_000), more.get("ephemeral", 10_000))


def test_daemon_sets_are_taken_off_the_allocatable() -> None:
    node = instance_type("g6.xlarge")
    room = node_room(node, 200, daemons(gpu_operator=True, monitoring=True))
    assert room.cpu_millicores == node.allocatable_cpu_millicores - 195
    assert room.memory_mib == node.allocatable_memory_mib - 214
    assert room.gpus == 1


def test_daemon_sets_follow_what_is_installed() -> None:
    assert {daemon.part_of for daemon in daemons(False, False)} == {"cluster"}
    assert daemons(True, True) == DAEMONS
    assert all(daemon.source for daemon in DAEMONS)


def test_the_default_memory_is_at_most_the_share_of_the_node() -> None:
    assert default_memory_mib(NODE, 1, 500_000, 1024, 0) <= NODE.memory_mib / 4
    assert default_memory_mib(NODE, 4, 500_000, 8192, 1000) <= NODE.memory_mib - 1000
    assert default_memory_mib(NODE, 1, 1000, 1024, 0) < 20_000


def test_small_pods_share_nodes_and_large_ones_go_first() -> None:
    packing = pack([(gpus(1), 3), (gpus(2), 1), (gpus(4), 1)], NODE)
    assert packing is not None
    assert packing.nodes == 3
    assert sum(room.gpus * count for room, count in packing.left) == 3


def test_memory_can_be_what_fills_a_node() -> None:
    packing = pack([(gpus(1, memory=100_000), 3)], NODE)
    assert packing is not None
    assert packing.nodes == 3


def test_a_pod_that_fits_no_node_has_no_packing() -> None:
    assert pack([(gpus(8), 1)], NODE) is None
    assert pack([(gpus(1, ephemeral=300_000), 1)], NODE) is None


def test_one_more_pod_goes_into_a_gap_or_onto_an_idle_node() -> None:
    packing = pack([(gpus(4), 1)], NODE)
    assert packing is not None
    assert not packing.holds_one_more(gpus(1), NODE, 1)
    assert packing.holds_one_more(gpus(1), NODE, 2)
    gap = pack([(gpus(2), 1)], NODE)
    assert gap is not None
    assert gap.holds_one_more(gpus(2), NODE, 1)
    assert not gap.holds_one_more(gpus(4), NODE, 1)


@given(some.lists(some.tuples(some.integers(1, 4), some.integers(0, 40)), max_size=6))
def test_a_packing_keeps_every_pod_and_needs_no_more_nodes_than_one_by_one(pods: list[tuple[int, int]]) -> None:
    wanted = [(gpus(size), count) for size, count in pods]
    packing = pack(wanted, NODE)
    assert packing is not None
    used = sum(size * count for size, count in pods)
    free = sum(room.gpus * count for room, count in packing.left)
    assert packing.nodes * 4 - free == used
    assert sum(count for _, count in packing.left) == packing.nodes
    assert -(-used // 4) <= packing.nodes <= sum(count for _, count in pods)
