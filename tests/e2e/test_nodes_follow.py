"""Nodes follow pods: 1 → 3 → 1, by the simulated cluster-autoscaler that the real chart's release stands for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.stacks.environment import platform_environment
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e

POOL = "vllm-on-eks/pool=l4"


def _one_node_to_begin_with(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """A fixed number of replicas, moved by hand: what moves them has tests of its own."""
    settings["nodePools"][0] |= {"minNodes": 1, "maxNodes": 3}
    settings["nodeAutoscaling"] = {"scaleDownAfterSeconds": 10}
    settings["monitoring"] = {"enabled": False}
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["drain"] = {"preStopSeconds": 2}


def _and_a_spare_one(settings: dict[str, Any], model: dict[str, Any]) -> None:
    _one_node_to_begin_with(settings, model)
    settings["nodePools"][0] |= {"spareNodes": 1}


class Pool(Cluster):
    """The GPU pool and the model on it."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        environment = platform_environment(platform.paths, platform.ports)
        self._eks = boto3.client(
            "eks", region_name="us-east-1", endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="local", aws_secret_access_key="local",
        )  # fmt: skip

    def nodes(self) -> set[str]:
        return {node.metadata.name for node in self.core.list_node(label_selector=POOL).items}

    def ready(self) -> int:
        return self.apps.read_namespaced_deployment("qwen", "models").status.ready_replicas or 0

    def desired(self) -> int:
        (cluster,) = self._eks.list_clusters()["clusters"]
        (name,) = [n for n in self._eks.list_nodegroups(clusterName=cluster)["nodegroups"] if n.startswith("l4")]
        group = self._eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        return int(group["scalingConfig"]["desiredSize"])


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return changed_stack(tmp_path_factory.mktemp("nodes"), _one_node_to_begin_with)


@pytest.fixture(scope="module")
def pool(platform: Platform, stack_file: Path) -> Iterator[Pool]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Pool(platform)
    platform.run("down", "--stack", "local")


def test_nodes_come_for_pods_and_the_empty_ones_leave(platform: Platform, pool: Pool, stack_file: Path) -> None:
    def state() -> object:
        return pool.nodes(), pool.desired(), [(p.metadata.name, p.spec.node_name) for p in pool.servers()]

    first = pool.nodes()
    assert len(first) == pool.desired() == pool.ready() == 1
    assert "simulated cluster-autoscaler" in platform.run("status")

    pool.scale("qwen", 3)
    eventually("3 replicas on 3 nodes", lambda: pool.ready() == 3 and len(pool.nodes()) == 3, state)
    assert first < pool.nodes()
    assert pool.desired() == 3
    assert len({pod.spec.node_name for pod in pool.servers()}) == 3, "one GPU each"
    reasons = [event.reason for event in pool.core.list_namespaced_event("models").items]
    assert "TriggeredScaleUp" in reasons

    # The first node is to become empty, so that who stays is not who was first.
    survivor = next(pod for pod in pool.servers() if pod.spec.node_name not in first)
    cost = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "100"}}}
    pool.core.patch_namespaced_pod(survivor.metadata.name, "models", cost)
    pool.scale("qwen", 1)
    eventually("one node", lambda: len(pool.nodes()) == 1 and pool.desired() == 1, state)
    assert pool.nodes() == {survivor.spec.node_name}
    (left,) = pool.servers()
    assert (left.metadata.uid, pool.ready()) == (survivor.metadata.uid, 1)

    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))
    assert platform.stack("local").up(refresh=True).changes == 0


def test_a_pod_that_no_node_would_hold_buys_none(pool: Pool) -> None:
    """Two GPUs on nodes of one."""
    spec = {
        "nodeSelector": {"vllm-on-eks/pool": "l4"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [{"name": "two", "image": "two", "resources": {"limits": {"nvidia.com/gpu": "2"}}}],
    }
    pool.core.create_namespaced_pod("default", {"metadata": {"name": "two"}, "spec": spec})
    try:
        pending = lambda: any(  # noqa: E731
            c.reason == "Unschedulable" for c in pool.core.read_namespaced_pod("two", "default").status.conditions or []
        )
        eventually("unschedulable", pending, lambda: None)
        time.sleep(6)  # some looks of the autoscaler
        assert (pool.desired(), len(pool.nodes())) == (1, 1)
    finally:
        pool.core.delete_namespaced_pod("two", "default", grace_period_seconds=0)


def test_a_replica_takes_the_spare_node_and_the_next_one_is_bought(
    platform: Platform, pool: Pool, tmp_path: Path
) -> None:
    """The real scheduler evicts the placeholder; what plays the cluster-autoscaler buys for the one that waits."""

    def state() -> object:
        return pool.nodes(), pool.desired(), pool.held(), pool.used()

    file = changed_stack(tmp_path, _and_a_spare_one)
    platform.run("up", "--stack-file", str(file))
    eventually("a node free", lambda: len(pool.nodes()) == 2 and pool.held() == pool.nodes() - pool.used(), state)
    (spare,) = pool.held()

    pool.scale("qwen", 2)
    eventually("two replicas", lambda: pool.ready() == 2, state)
    assert spare in pool.used(), "the second replica waited for no node"
    assert pool.preempted()
    eventually("the next one", lambda: len(pool.nodes()) == 3 and pool.held() == pool.nodes() - pool.used(), state)
    assert spare not in pool.held()

    pool.scale("qwen", 1)
    eventually("two nodes", lambda: len(pool.nodes()) == pool.desired() == 2 and len(pool.held()) == 1, state)
    assert pool.used() | pool.held() == pool.nodes()
    assert platform.stack("local").up(refresh=True).changes == 0
