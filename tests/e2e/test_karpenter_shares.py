"""The real Karpenter controller buys Bottlerocket nodes whose GPUs are shared: one node for two pods, not two.

Its program is built only for a stack that asks for it (`python -m local tools karpenter`); without it: skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.karpenter_pool import PATIENCE_SECONDS, Pool, karpenters
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e


def _shared(settings: dict[str, Any], model: dict[str, Any]) -> None:
    karpenters(settings, model)
    (pool,) = settings["nodePools"]
    pool |= {
        "amiFamily": "bottlerocket",
        "amiReleaseVersion": "1.57.0",
        "gpuSharing": {"kind": "timeSlicing", "replicas": 2},
        "maxNodes": 3,
    }
    model |= {
        "source": "Qwen/Qwen2.5-3B-Instruct",
        "revision": "aa8e72537993ba99e69dfaafa59ed015b17504d1",
        "gpuMemoryUtilization": 0.47,
        "maxModelLen": 2048,
    }


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[Pool]:
    skip_unless_built("karpenter")
    file: Path = changed_stack(tmp_path_factory.mktemp("shares"), _shared)
    platform.run("up", "--stack-file", str(file))
    yield Pool(platform)
    platform.run("down", "--stack", "local")


def _holds(pool: Pool, pods: int, nodes: int) -> None:
    def reached() -> bool:
        have = (pool.ready(), len(pool.pods()), len(pool.nodes()), len(pool.claims()), len(pool.instances()))
        return have == (pods, pods, nodes, nodes, nodes)

    eventually(f"{pods} replicas on {nodes} nodes", reached, pool.state, PATIENCE_SECONDS)


def test_karpenter_counts_the_shares_of_a_node_before_it_is_there(pool: Pool) -> None:
    _holds(pool, 1, 1)
    (node,) = pool.nodes().values()
    assert node.status.allocatable["nvidia.com/gpu"] == "2"
    assert "bottlerocket-aws-k8s-1.35-nvidia-x86_64-v1.57.0" in node.status.node_info.os_image
    assert node.metadata.labels["nvidia.com/gpu.deploy.operands"] == "false"
    (instance,) = pool.instances().values()
    assert {each["DeviceName"] for each in instance["BlockDeviceMappings"]} == {"/dev/xvda", "/dev/xvdb"}

    (claim,) = pool.claims()
    assert claim["status"]["allocatable"]["nvidia.com/gpu"] == "2", "as a node under way it counts so, too"

    pool.to(2)
    _holds(pool, 2, 1)
    pool.to(0)
    _holds(pool, 0, 0)
