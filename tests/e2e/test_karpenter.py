"""The real Karpenter controller buys and ends nodes: 0 → 1 → 3 → 0, sold out, taken back, spare, drifted, gone.

Its program is built only for a stack that asks for it (`python -m local tools karpenter`); without it: skipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.karpenter_pool import PATIENCE_SECONDS, REGION, Pool, karpenters
from tests.e2e.loading import Load, assert_none_cut, changed_stack

pytestmark = pytest.mark.e2e

NEWER = "1.35.4-20260505"


def _kind(node: Any) -> tuple[str, str, str]:
    labels = node.metadata.labels
    return (
        labels["node.kubernetes.io/instance-type"],
        labels["topology.kubernetes.io/zone"],
        labels["karpenter.sh/capacity-type"],
    )


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless_built("karpenter")
    return changed_stack(tmp_path_factory.mktemp("karpenter"), karpenters)


@pytest.fixture(scope="module")
def pool(stack_file: Path, platform: Platform) -> Iterator[Pool]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Pool(platform)
    platform.run("down", "--stack", "local")


def test_nodes_are_bought_for_pods_and_empty_ones_end(platform: Platform, pool: Pool, stack_file: Path) -> None:
    (node,) = pool.settle(1).values()
    kind, zone, bought = _kind(node)
    assert (kind, bought) == ("g6.2xlarge", "spot"), "the cheapest that was allowed"
    (instance,) = pool.instances().values()
    assert node.spec.provider_id == f"aws:///{zone}/{instance['InstanceId']}"
    assert node.status.allocatable["nvidia.com/gpu"] == "1"
    assert [taint.key for taint in node.spec.taints] == ["nvidia.com/gpu"], "registered and initialized"
    first = node.metadata.name

    pool.to(3)
    assert first in pool.settle(3)
    assert len({pod.spec.node_name for pod in pool.pods()}) == 3, "one GPU each"

    pool.to(0)
    pool.settle(0)
    pool.to(1)
    pool.settle(1)
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))
    assert platform.stack("local").up(refresh=True).changes == 0


def test_a_busy_gpu_is_never_consolidated(pool: Pool) -> None:
    """One pod on each of two nodes uses neither's CPU; consolidateAfter is 10 s, and the controller looks each 10 s."""
    pool.to(2)
    before = set(pool.settle(2))
    served = {pod.metadata.uid for pod in pool.pods()}
    time.sleep(40)
    assert set(pool.nodes()) == before
    assert {pod.metadata.uid for pod in pool.pods()} == served


def test_what_is_sold_out_comes_as_another_type_then_from_another_zone_then_on_demand(pool: Pool) -> None:
    """Karpenter takes spreading over zones, which the pods prefer, for a need as long as it can: the zone is first."""
    pool.to(0)
    pool.settle(0)
    types, zones = ("g6.2xlarge", "g6.4xlarge"), ("us-east-1a", "us-east-1b")
    try:
        pool.sell_out(*((types[0], zone, "spot") for zone in zones))
        pool.to(1)
        (first,) = pool.settle(1).values()
        assert (_kind(first)[0], _kind(first)[2]) == (types[1], "spot")

        zone = _kind(first)[1]
        (other_zone,) = set(zones) - {zone}
        gone = [(kind, other_zone, lifecycle) for kind in types for lifecycle in ("spot", "on-demand")]
        pool.sell_out(*gone, (types[0], zone, "spot"))
        pool.to(2)
        second = next(node for name, node in pool.settle(2).items() if name != first.metadata.name)
        assert _kind(second) == (types[1], zone, "spot"), "the other zone is where spreading would have it"

        pool.sell_out(*((kind, zone, "spot") for kind in types for zone in zones))
        pool.to(3)
        both = {first.metadata.name, second.metadata.name}
        (third,) = (node for name, node in pool.settle(3).items() if name not in both)
        assert (_kind(third)[0], _kind(third)[2]) == (types[0], "on-demand")
    finally:
        pool.sell_out()


def test_a_spot_node_that_is_taken_back_is_drained_within_its_notice_and_no_answer_is_cut(pool: Pool) -> None:
    pool.to(2)
    nodes = pool.settle(2)
    taken = next(node for node in nodes.values() if _kind(node)[2] == "spot")
    instance = taken.spec.provider_id.rsplit("/", 1)[-1]
    load = Load.start(
        "karpenter-taken-back", "--profile", "steady", "--rate", "1", "--seconds", "100",
        "--output-tokens", "50", "--longest-output-tokens", "150",
    )  # fmt: skip
    try:
        time.sleep(10)
        started = time.monotonic()
        pool.switch("take-back", region=REGION, instance_id=instance, notice_seconds=120)
        gone = lambda: taken.metadata.name not in pool.nodes() and instance not in pool.instances()  # noqa: E731
        eventually("the node that is taken back gone", gone, pool.state, PATIENCE_SECONDS)
        assert time.monotonic() - started < 115, "by Karpenter, not by the end of the notice"
        record = load.end(240)
    finally:
        load.stop()
    assert_none_cut(record, at_least=30)
    pool.settle(2)


def _and_a_spare_one(settings: dict[str, Any], model: dict[str, Any]) -> None:
    karpenters(settings, model)
    settings["nodePools"][0] |= {"spareNodes": 1}


def test_a_replica_takes_the_spare_node_and_the_next_one_is_bought(
    platform: Platform, pool: Pool, stack_file: Path, tmp_path: Path
) -> None:
    """The real scheduler evicts the placeholder, and Karpenter buys for the one that waits, not for the replica."""

    def state() -> object:
        return pool.state(), pool.held(), pool.used()

    def free(nodes: int) -> bool:
        sizes = {len(pool.nodes()), len(pool.claims()), len(pool.instances())}
        return sizes == {nodes} and pool.held() == set(pool.nodes()) - pool.used() and len(pool.held()) == 1

    pool.to(1)
    (first,) = pool.settle(1)
    platform.run("up", "--stack-file", str(changed_stack(tmp_path, _and_a_spare_one)))
    eventually("a node free", lambda: free(2), state, PATIENCE_SECONDS)
    (spare,) = pool.held()
    time.sleep(30)
    assert (set(pool.nodes()), pool.held()) == ({first, spare}, {spare}), "a node with a placeholder is no empty one"

    began = time.monotonic()
    pool.to(2)
    eventually("two replicas", lambda: pool.ready() == 2, state, PATIENCE_SECONDS)
    print(f"a second replica on the spare node, Ready after {time.monotonic() - began:.0f} s")
    assert pool.used() == {first, spare}, "it waited for no node"
    assert pool.preempted()
    eventually("the next one", lambda: free(3), state, PATIENCE_SECONDS)

    pool.to(1)
    eventually("the node that nobody is on gone", lambda: free(2), state, PATIENCE_SECONDS)
    assert platform.stack("local").up(refresh=True).changes == 0
    platform.run("up", "--stack-file", str(stack_file))
    pool.settle(1)
    assert "spare-nodes" not in [each.metadata.name for each in pool.core.list_namespace().items]


def test_another_image_replaces_nodes_one_at_a_time(platform: Platform, pool: Pool, tmp_path: Path) -> None:
    pool.to(1)
    before = set(pool.settle(1))

    def newer(settings: dict[str, Any], model: dict[str, Any]) -> None:
        karpenters(settings, model)
        settings["nodePools"][0]["amiReleaseVersion"] = NEWER

    most, file = 0, changed_stack(tmp_path, newer)
    platform.run("up", "--stack-file", str(file))

    def replaced() -> bool:
        nonlocal most
        most = max(most, len(pool.claims()))
        return not before & set(pool.nodes())

    eventually("the node of the older image replaced", replaced, pool.state, PATIENCE_SECONDS)
    (node,) = pool.settle(1).values()
    assert "v20260505" in node.status.node_info.os_image
    assert most == 2, "the new one is bought before the old one ends"
    assert platform.stack("local").up(refresh=True).changes == 0, "what Karpenter wrote is Karpenter's"


def test_a_destroy_leaves_no_instance_no_node_claim_and_no_launch_template(platform: Platform, pool: Pool) -> None:
    pool.settle(1)
    assert pool.templates()
    platform.run("down", "--stack", "local")
    assert pool.instances() == {}
    assert pool.nodes() == {}
    assert pool.templates() == []
    assert pool.definitions("karpenter.sh", "karpenter.k8s.aws") == set()
    assert not platform.processes.is_alive("karpenter-controller")
