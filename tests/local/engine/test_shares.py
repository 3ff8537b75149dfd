"""An engine on a shared GPU has its part's speed and the KV cache that the plan counts with."""

from __future__ import annotations

from typing import Any

import pytest

from local.engine.flags import parse
from local.engine.rates import gpu_of
from local.engine.shapes import planned_shape
from local.nodes.capacity import node_capacity
from local.nodes.gpu_features import feature_labels
from planning.model import GpuSharingPlan
from planning.nodes.sharing import share_of
from tests.planning.stacks import model, planned, pool

SMALL = "Qwen/Qwen2.5-3B-Instruct"
KINDS: list[tuple[dict[str, Any], str, float]] = [
    ({"kind": "none"}, "g6.2xlarge", 0.9),
    ({"kind": "mps", "replicas": 2}, "g6.2xlarge", 0.9),
    ({"kind": "timeSlicing", "replicas": 2}, "g6.2xlarge", 0.45),
    ({"kind": "mig", "profile": "2g.10gb"}, "p4d.24xlarge", 0.9),
]


@pytest.mark.parametrize(("sharing", "instance", "utilization"), KINDS, ids=[kind[0]["kind"] for kind in KINDS])
def test_the_engine_finds_the_speed_and_the_cache_of_the_plan(
    sharing: dict[str, Any], instance: str, utilization: float
) -> None:
    plan = planned(
        nodePools=[pool(instanceTypes=[instance], diskGib=2000, gpuSharing=sharing)],
        models=[model(source=SMALL, gpuMemoryUtilization=utilization)],
    )
    group, served = plan.gpu_pools[0], plan.models[0]
    capacity = node_capacity(instance, 2000, None)
    labels = {
        "node.kubernetes.io/instance-type": instance,
        **group.labels,
        **feature_labels(capacity, group.sharing),
    }
    gpu = gpu_of(labels)
    whole = gpu_of({"node.kubernetes.io/instance-type": instance})
    part = share_of(whole, group.sharing)
    assert gpu.memory_bandwidth_bytes_per_second == part.memory_bandwidth_bytes_per_second
    assert gpu.dense_flops_bf16 == part.dense_flops_bf16
    shape = planned_shape(parse(list(served.args)), gpu, served.vllm_version)
    assert shape is not None
    assert shape.kv_cache_tokens is not None
    assert served.memory is not None
    assert shape.kv_cache_tokens == pytest.approx(served.memory.kv_cache_tokens, rel=0.02)


def test_a_profile_that_the_gpu_does_not_have_changes_nothing() -> None:
    labels = {"node.kubernetes.io/instance-type": "p4d.24xlarge", "nvidia.com/mig.config": "all-9g.99gb"}
    assert gpu_of(labels) == gpu_of({"node.kubernetes.io/instance-type": "p4d.24xlarge"})
    assert share_of(gpu_of(labels), GpuSharingPlan()) == gpu_of(labels)
