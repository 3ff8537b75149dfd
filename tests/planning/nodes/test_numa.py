"""GPUs and cores of one NUMA node: which types, which pods, what the kubelet is told, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import StackPlan
from planning.nodes.instances import instance_types
from planning.nodes.numa import numa_facts
from planning.nodes.quantity import millicores
from tests.planning.stacks import errors, model, planned, pool, refusal

BIG = "Qwen/Qwen2.5-72B-Instruct"


def aligned(**changes: Any) -> dict[str, Any]:
    return pool(**{"name": "h100", "instanceTypes": ["p5.48xlarge"], "numaAlignment": "singleNode", **changes})


def served(**changes: Any) -> dict[str, Any]:
    return model(**{"source": BIG, "tensorParallel": 4, **changes})


def plan(**changes: Any) -> StackPlan:
    return planned(nodePools=[aligned()], models=[served(**changes)])


def test_a_pod_gets_whole_cores_that_are_its_own_and_at_most_its_gpus_share_of_a_node() -> None:
    found = plan()
    assert found.gpu_pools[0].gpus_per_numa_node == 4
    asked = found.models[0].resources
    assert asked.cpu_limit == asked.cpu_request
    assert asked.cpu_request.isdigit(), "the CPU Manager gives exclusive cores to whole requests only"
    assert found.models[0].download_resources.cpu_limit == found.models[0].download_resources.cpu_request
    assert plan(resources={"cpu": "90"}).models[0].resources.cpu_request == "90"


@pytest.mark.parametrize("cpu", [None, "90", "95"])
def test_beside_a_sidecar_the_cores_are_whole_too_and_no_container_may_use_more_than_it_requests(
    cpu: str | None,
) -> None:
    found = plan(compileCache="efs", **({"resources": {"cpu": cpu}} if cpu else {})).models[0]
    assert found.compiled is not None
    asked = found.resources
    assert asked.cpu_request == (cpu or str(int(plan().models[0].resources.cpu_request) - 1))
    every = (asked, found.download_resources, found.compiled.restore, found.compiled.keep)
    assert all(each.cpu_limit == each.cpu_request for each in every), "else the pod is Burstable"
    cores = [millicores(each.cpu_request) for each in every]
    assert cores[3] % 1000, "a sidecar with a core of its own takes it from the server"
    assert 0 < cores[3] < cores[2] <= cores[0], "who waits for it waits for the init container alone"


def test_where_nobody_asks_for_it_nothing_is_aligned() -> None:
    found = planned(nodePools=[aligned(numaAlignment="any")], models=[served()])
    assert found.gpu_pools[0].gpus_per_numa_node is None
    assert found.models[0].resources.cpu_limit is None
    kept = planned(nodePools=[aligned(numaAlignment="any")], models=[served(compileCache="efs")]).models[0].compiled
    assert kept is not None
    assert (kept.restore, kept.keep.cpu_limit) == (kept.keep, "1")


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        ("g6.48xlarge", "is not in our table of NUMA nodes"),
        ("g5.12xlarge", "has one NUMA node"),
        ("g5.48xlarge", "does not show its GPUs' NUMA nodes"),
        ("p4d.24xlarge", "may not show its GPUs' NUMA nodes"),
    ],
)
def test_types_for_which_it_means_nothing_or_nobody_knows_are_refused(instance: str, words: str) -> None:
    told = errors(refusal(nodePools=[aligned(instanceTypes=[instance])], models=[]))["nodePools[0].numaAlignment"]
    assert words in told
    assert "leave numaAlignment out, or take p5.48xlarge, p6-b200.48xlarge" in told


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        (
            {"tensorParallel": 8},
            "tensorParallel",
            "TopologyAffinityError); write one of 1, 2, 4, or",
        ),
        ({"resources": {"cpu": "90500m"}}, "resources.cpu", "gets whole cores of its own"),
        ({"resources": {"cpu": "96"}}, "resources.cpu", "at most"),
    ],
)
def test_pods_that_the_kubelet_would_refuse_are_refused(changes: dict[str, Any], path: str, words: str) -> None:
    found = errors(refusal(nodePools=[aligned()], models=[served(**changes)]))
    assert words in found[f"models[0].{path}"]


def test_pods_of_two_sizes_do_not_share_such_nodes() -> None:
    two = [served(), served(name="small", tensorParallel=2)]
    found = errors(refusal(nodePools=[aligned()], models=two))
    assert "have 2, 4" in found["models[0].tensorParallel"]
    assert "a pool for each" in found["models[1].tensorParallel"]
    apart = [served(pool="h100"), model(name="small", pool="other")]
    assert planned(nodePools=[aligned(), aligned(name="other")], models=apart)


def test_shares_of_a_gpu_need_no_alignment() -> None:
    mps = aligned(gpuSharing={"kind": "mps", "replicas": 2})
    assert "gpuSharing: mps" in errors(refusal(nodePools=[mps], models=[]))["nodePools[0].numaAlignment"]


def test_the_table_is_of_types_that_we_have_and_halves_their_gpus() -> None:
    for name, facts in numa_facts().items():
        assert instance_types()[name].gpu_count % facts.nodes == 0
        assert facts.source
        assert (facts.nodes == 1) == (not facts.hints)
