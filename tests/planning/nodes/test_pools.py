from __future__ import annotations

import pytest

from planning.model import GPU_TAINT, Severity
from tests.planning.stacks import errors, planned, pool, refusal, rules


def test_a_pool_of_l4_nodes() -> None:
    group = planned(nodePools=[pool(labels={"team": "search"})]).gpu_pools[0]
    assert group.ami_type == "AL2023_x86_64_NVIDIA"
    assert group.labels == {
        "accelerator": "nvidia",
        "gpu-type": "l4",
        "vllm-on-eks/pool": "l4",
        "k8s.amazonaws.com/accelerator": "nvidia-l4",
        "team": "search",
    }
    assert group.taints == (GPU_TAINT,)
    assert (group.gpu, group.gpus_per_node) == ("l4", 1)


def test_a_pool_begins_with_its_fewest_nodes() -> None:
    group = planned(nodePools=[pool(minNodes=2, maxNodes=5)]).gpu_pools[0]
    assert (group.min_nodes, group.desired_nodes, group.max_nodes) == (2, 2, 5)


@pytest.mark.parametrize(("throughput", "iops"), [(125, 3000), (600, 3000), (750, 3000), (1000, 4000)])
def test_throughput_gets_the_iops_it_needs(throughput: int, iops: int) -> None:
    assert planned(nodePools=[pool(diskThroughputMibps=throughput)]).gpu_pools[0].disk_iops == iops


def test_models_and_smoke_tests_tolerate_the_pools_own_taints() -> None:
    plan = planned(nodePools=[pool(taints=[{"key": "team", "value": "search", "effect": "NoExecute"}])])
    taint = plan.gpu_pools[0].taints[1]
    assert (taint.key, taint.value, taint.effect) == ("team", "search", "NoExecute")
    assert plan.models[0].taints == plan.gpu_pools[0].taints
    assert plan.gpu_operator is not None
    assert plan.gpu_operator.taints == plan.gpu_pools[0].taints
    assert plan.gpu_operator.smoke_tests[0].taints == plan.gpu_pools[0].taints


def test_a_misspelt_type_is_refused_with_the_nearest() -> None:
    refused = errors(refusal(nodePools=[pool(instanceTypes=["g6.xlarg"])]))
    assert "did you mean g6.xlarge" in refused["nodePools[0].instanceTypes[0]"]


def test_a_type_without_gpu_or_without_driver_is_refused() -> None:
    refused = errors(
        refusal(nodePools=[pool(instanceTypes=["m7i.large"]), pool(name="b", instanceTypes=["g5g.xlarge"])])
    )
    assert "m7i.large has no GPU; write for example g6.xlarge" in refused["nodePools[0].instanceTypes[0]"]
    assert "does not serve g5g" in refused["nodePools[1].instanceTypes[0]"]


def test_a_pool_has_one_kind_of_gpu() -> None:
    refused = errors(refusal(nodePools=[pool(instanceTypes=["g6.xlarge", "g5.xlarge"])]))
    assert "differ in GPU" in refused["nodePools[0].instanceTypes"]
    refused = errors(refusal(nodePools=[pool(instanceTypes=["g6.xlarge", "g6.12xlarge"])]))
    assert "differ in GPU count" in refused["nodePools[0].instanceTypes"]


def test_spot_wants_several_types() -> None:
    short = {"shutdownTimeoutSeconds": 60}
    from tests.planning.stacks import model

    one = planned(nodePools=[pool(capacity="spot")], models=[model(drain=short)])
    two = planned(
        nodePools=[pool(capacity="spot", instanceTypes=["g6.xlarge", "g6.2xlarge"])], models=[model(drain=short)]
    )
    assert "spot-one-type" in rules(one.findings, Severity.WARNING)
    assert "spot-one-type" not in rules(two.findings, Severity.WARNING)
    assert two.gpu_pools[0].capacity_type == "SPOT"


def test_an_unpinned_ami_is_told_in_production_only() -> None:
    assert "ami-unpinned" in rules(planned("eu-prod").findings, Severity.WARNING)
    assert "ami-unpinned" not in rules(planned("dev").findings, Severity.WARNING)
    pinned = planned("prod", nodePools=[pool(amiReleaseVersion="1.35.4-20260505")])
    assert "ami-unpinned" not in rules(pinned.findings, Severity.WARNING)


def test_our_labels_taints_and_names_are_ours() -> None:
    refused = errors(
        refusal(
            nodePools=[
                pool(name="system", labels={"gpu-type": "h100", "node.kubernetes.io/x": "y"}),
                pool(name="b", taints=[{"key": "nvidia.com/gpu"}]),
            ]
        )
    )
    assert "nodePools[0].name" in refused
    assert {"nodePools[0].labels.gpu-type", "nodePools[0].labels.node.kubernetes.io/x"} <= set(refused)
    assert "nodePools[1].taints[0].key" in refused


def test_the_system_group_takes_its_ami_from_the_architecture() -> None:
    arm = planned(systemNodes={"instanceTypes": ["m7g.large"]}).system_nodes
    assert arm.ami_type == "AL2023_ARM_64_STANDARD"
    assert arm.gpu is None
    unknown = planned(systemNodes={"instanceTypes": ["c9gd.large"]})
    assert unknown.system_nodes.ami_type == "AL2023_ARM_64_STANDARD"
    assert {"unknown-type", "price-unknown"} <= rules(unknown.findings, Severity.WARNING)
    assert planned(systemNodes={"instanceTypes": ["z9i.large"]}).system_nodes.ami_type == "AL2023_x86_64_STANDARD"


def test_the_system_group_has_one_architecture_and_no_gpu() -> None:
    refused = errors(refusal(systemNodes={"instanceTypes": ["m7i.large", "m7g.large"]}))
    assert "keep one kind" in refused["systemNodes.instanceTypes"]
    assert "gpu-idle" in rules(planned(systemNodes={"instanceTypes": ["g6.xlarge"]}).findings, Severity.WARNING)
