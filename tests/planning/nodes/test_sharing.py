from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planning.findings import Findings
from planning.model import GpuSharingPlan, Severity, StackPlan
from planning.nodes.instances import gpu, gpus, instance_types
from planning.nodes.sharing import WHOLE, Sharer, check_together, larger_than, mig_profiles, share_of
from tests.planning.stacks import LLAMA, errors, model, planned, pool, refusal, rules

SMALL = "Qwen/Qwen2.5-3B-Instruct"
TOKEN = {"kind": "pulumiConfig"}
ISOLATION = "sharing-isolation"


def shared(kind: str, replicas: int = 2, **more: Any) -> dict[str, Any]:
    """A g6.2xlarge whose L4 is shared."""
    return pool(instanceTypes=["g6.2xlarge"], gpuSharing={"kind": kind, "replicas": replicas}, **more)


def cut(profile: str, **more: Any) -> dict[str, Any]:
    """A p4d.24xlarge, 8 × A100 40 GB, cut by MIG."""
    types = {"instanceTypes": ["p4d.24xlarge"], "diskGib": 2000}
    return pool(**{**types, "gpuSharing": {"kind": "mig", "profile": profile}, **more})


def memory(plan: StackPlan) -> Any:
    plan_of_pool = plan.models[0].memory
    assert plan_of_pool is not None
    return plan_of_pool


def test_without_a_word_pods_have_whole_gpus_and_nodes_say_nothing_of_it() -> None:
    plan = planned()
    group = plan.gpu_pools[0]
    assert group.sharing == WHOLE
    assert group.advertised_gpus == group.gpus_per_node == 1
    assert not any(key.startswith("nvidia.com") for key in group.labels)
    assert plan.gpu_operator is not None
    assert plan.gpu_operator.sharing == ()
    assert ISOLATION not in rules(plan.findings, Severity.WARNING)


def test_a_mig_profile_gives_its_memory_its_label_and_its_instances() -> None:
    plan = planned(nodePools=[cut("2g.10gb")], models=[model(source=SMALL)])
    group = plan.gpu_pools[0]
    assert (group.gpus_per_node, group.advertised_gpus) == (8, 24)
    assert group.labels["nvidia.com/mig.config"] == "all-2g.10gb"
    assert "nvidia.com/device-plugin.config" not in group.labels
    memory_share = memory(plan)
    used = (
        memory_share.weights_bytes_per_gpu
        + memory_share.activation_bytes
        + memory_share.reserve_bytes
        + memory_share.kv_cache_bytes_per_gpu
    ) / mig_profiles("a100-40gb")["2g.10gb"].memory_bytes
    assert 0.85 < used <= 0.9001
    assert plan.models[0].resources.gpus == 1
    assert "--gpu-memory-utilization=0.9" in plan.models[0].args
    assert ISOLATION not in rules(plan.findings, Severity.WARNING)


@pytest.mark.parametrize("instance", ["g4dn.xlarge", "g5.xlarge", "g6.xlarge", "g6e.xlarge"])
def test_mig_on_a_gpu_that_has_none_names_the_other_ways_and_gpus_that_have_it(instance: str) -> None:
    wanted = {"kind": "mig", "profile": "1g.5gb"}
    refused = errors(refusal(nodePools=[pool(instanceTypes=[instance], gpuSharing=wanted)]))
    message = refused["nodePools[0].gpuSharing.kind"]
    assert "has no MIG; write kind: mps or kind: timeSlicing" in message
    assert all(name in message for name in ("a100-40gb (p4d.24xlarge)", "h100", "h200", "b200", "b300"))
    assert "a30" not in message, "no EC2 type has it"


def test_an_unknown_profile_names_the_nearest_and_what_there_is() -> None:
    message = errors(refusal(nodePools=[cut("1g.10g")]))["nodePools[0].gpuSharing.profile"]
    assert "no MIG profile '1g.10g'; did you mean 1g.10gb" in message
    assert "7g.40gb (1 × 39.1 GiB)" in message
    other = errors(refusal(nodePools=[cut("1g.18gb")]))["nodePools[0].gpuSharing.profile"]
    assert other.startswith("a100-40gb has no MIG profile '1g.18gb'"), "a profile of another GPU is unknown here"


def test_a_model_too_large_for_its_instance_says_which_profile_holds_it() -> None:
    message = errors(refusal(nodePools=[cut("1g.5gb", diskGib=8000)]))["models[0].source"]
    assert "does not fit 1 × a100-40gb 1g.5gb" in message
    assert "write gpuSharing: {kind: mig, profile: 3g.20gb} in nodePools[0]" in message
    assert "tensorParallel" not in message
    assert planned(nodePools=[cut("3g.20gb")]).models[0].memory is not None


def test_mps_gives_an_equal_part_of_memory_and_tells_vllm_its_share_of_the_whole() -> None:
    plan = planned(nodePools=[shared("mps")], models=[model(source=SMALL)])
    group = plan.gpu_pools[0]
    assert group.labels["nvidia.com/device-plugin.config"] == "mps-2"
    assert (group.gpus_per_node, group.advertised_gpus) == (1, 2)
    assert "--gpu-memory-utilization=0.45" in plan.models[0].args
    whole = planned(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[model(source=SMALL)])
    assert 0 < memory(plan).kv_cache_tokens < memory(whole).kv_cache_tokens / 2
    assert ISOLATION in rules(plan.findings, Severity.WARNING)


def test_under_mps_the_pod_has_no_dev_shm_of_its_own_and_must_not_ask_for_one() -> None:
    assert planned(nodePools=[shared("mps")], models=[model(source=SMALL)]).models[0].resources.shared_memory is None
    asked = model(source=SMALL, resources={"sharedMemory": "2Gi"})
    refused = errors(refusal(nodePools=[shared("mps")], models=[asked]))
    assert "the device plugin mounts the MPS daemon's /dev/shm" in refused["models[0].resources.sharedMemory"]
    elsewhere = shared("timeSlicing")
    plan = planned(nodePools=[elsewhere], models=[{**asked, "gpuMemoryUtilization": 0.45}])
    assert plan.models[0].resources.shared_memory == "2Gi"


def test_an_mps_part_that_does_not_hold_the_model_says_how_many_parts_would() -> None:
    message = errors(refusal(nodePools=[shared("mps", 4)], models=[model(source=SMALL)]))["models[0].source"]
    assert "does not fit 1 × l4 1/4" in message
    assert "gpuSharing: {kind: mps, replicas: 2} in nodePools[0]" in message
    assert planned(nodePools=[shared("mps", 2)], models=[model(source=SMALL)]).models[0].memory is not None
    large = errors(refusal(nodePools=[shared("mps")]))["models[0].source"]
    assert "gpuSharing: {kind: none} in nodePools[0]" in large


def test_time_slices_see_all_the_memory_and_must_share_it_by_themselves() -> None:
    message = errors(refusal(nodePools=[shared("timeSlicing")], models=[model(source=SMALL)]))[
        "models[0].gpuMemoryUtilization"
    ]
    assert "2 pods may meet on one GPU" in message
    assert "write 0.47 or less" in message
    plan = planned(nodePools=[shared("timeSlicing")], models=[model(source=SMALL, gpuMemoryUtilization=0.47)])
    assert "--gpu-memory-utilization=0.47" in plan.models[0].args
    assert plan.gpu_pools[0].labels["nvidia.com/device-plugin.config"] == "time-slicing-2"
    assert ISOLATION in rules(plan.findings, Severity.WARNING)


def test_one_pod_alone_on_its_slices_may_take_what_it_wants() -> None:
    alone = model(
        source=SMALL,
        cache={"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"},  # no surge either
    )
    assert planned(nodePools=[shared("timeSlicing")], models=[alone]).models[0].max_surge == 0


def test_slices_of_several_models_are_added_up_and_each_one_that_asks_too_much_is_named() -> None:
    models = [
        model(name="a", source=SMALL, gpuMemoryUtilization=0.7),
        model(name="b", source=SMALL, gpuMemoryUtilization=0.4),
    ]
    refused = errors(refusal(nodePools=[shared("timeSlicing")], models=models))
    # Pods of `a` may meet: its rollout starts one beside the one that runs.
    assert set(refused) == {"models[0].gpuMemoryUtilization"}


@pytest.mark.parametrize("kind", ["mps", "timeSlicing"])
def test_a_replica_of_several_shares_is_refused(kind: str) -> None:
    several = pool(instanceTypes=["g6.12xlarge"], gpuSharing={"kind": kind, "replicas": 2}, diskGib=400)
    asked = model(tensorParallel=2, gpuMemoryUtilization=0.45)
    message = errors(refusal(nodePools=[several], models=[asked]))["models[0].tensorParallel"]
    assert f"gpuSharing: {kind}" in message
    assert "write tensorParallel: 1" in message


def test_a_replica_of_several_mig_instances_is_refused() -> None:
    message = errors(refusal(nodePools=[cut("3g.20gb")], models=[model(tensorParallel=2)]))["models[0].tensorParallel"]
    assert "one MIG instance" in message


@pytest.mark.parametrize("operator", [{"devicePlugin": False, "smokeTest": False}, {"enabled": False}])
def test_nobody_divides_gpus_without_the_operators_device_plugin(operator: dict[str, bool]) -> None:
    refused = errors(refusal(nodePools=[shared("mps")], models=[], gpuOperator=operator))
    assert "the GPUs would not be divided" in refused["nodePools[0].gpuSharing"]


def test_each_way_of_sharing_is_handed_to_the_operator_once() -> None:
    pools = [
        pool(name="whole"),
        {**shared("mps"), "name": "a"},
        {**shared("mps"), "name": "b"},
        {**shared("mps", 3), "name": "c"},
        {**cut("3g.20gb"), "name": "d"},
    ]
    operator = planned(nodePools=pools, models=[]).gpu_operator
    assert operator is not None
    assert operator.sharing == (
        GpuSharingPlan("mps", 2),
        GpuSharingPlan("mps", 3),
        GpuSharingPlan("mig", 2, "3g.20gb"),
    )


def test_two_pods_on_one_gpu_need_one_node_and_cost_one_node() -> None:
    two = {"minReplicas": 2, "maxReplicas": 2}
    plan = planned(nodePools=[shared("mps", maxNodes=1)], models=[model(source=SMALL, autoscaling=two)])
    alone = planned(nodePools=[pool(instanceTypes=["g6.2xlarge"], maxNodes=1)], models=[model(source=SMALL)])
    assert plan.cost.max_usd_per_hour == alone.cost.max_usd_per_hour
    assert [each.left.gpus for each in plan.node_fits[0].left] == [0]
    refused = errors(refusal(nodePools=[pool(instanceTypes=["g6.2xlarge"], maxNodes=1)], models=[
        model(source=SMALL, autoscaling=two)
    ]))  # fmt: skip
    assert "need 2 nodes" in refused["nodePools[0].minNodes"]


def test_pods_of_one_gpu_share_the_nodes_cpu_and_memory() -> None:
    resources = (
        planned(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[model(source=SMALL)]).models[0].resources
    )
    half = planned(nodePools=[shared("mps")], models=[model(source=SMALL)]).models[0].resources
    assert int(half.cpu_request.rstrip("m")) <= int(resources.cpu_request.rstrip("m")) / 2 + 100


def test_the_plans_throughput_is_that_of_the_part() -> None:
    throughput = (
        planned(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[model(source=SMALL)]).models[0].throughput
    )
    half = planned(nodePools=[shared("mps")], models=[model(source=SMALL)]).models[0].throughput
    assert throughput is not None
    assert half is not None
    assert half.total_tokens_per_second < 0.6 * throughput.total_tokens_per_second


def test_every_gpu_with_mig_has_its_profiles_and_no_other() -> None:
    with_profiles = {name for name in gpus() if mig_profiles(name)}
    assert with_profiles == {name for name, gpu in gpus().items() if gpu.mig}
    assert all(mig_profile.source for name in with_profiles for mig_profile in mig_profiles(name).values())


@pytest.mark.parametrize("name", [name for name in gpus() if mig_profiles(name)])
def test_the_instances_of_a_profile_fit_their_gpu(name: str) -> None:
    card = gpu(name)
    for profile in mig_profiles(name).values():
        assert profile.instances * profile.memory_share <= 1
        assert profile.instances * profile.compute_share <= 1
        assert profile.memory_bytes <= card.usable_memory_bytes * profile.memory_share * Fraction(101, 100)
        assert profile.memory_bytes >= 0.88 * card.usable_memory_bytes * profile.memory_share
        sold_gb = float(profile.name.split(".")[1].removesuffix("gb"))
        assert profile.memory_bytes / 1e9 < sold_gb * 1.08


def test_every_gpu_on_ec2_that_nvidia_lists_is_in_the_table() -> None:
    on_ec2 = {instance_type.gpu.name for instance_type in instance_types().values() if instance_type.gpu}
    assert {name for name in on_ec2 if mig_profiles(name)} == {
        "a100-40gb", "a100-80gb", "h100", "h200", "b200", "b300", "rtx-pro-6000"
    }  # fmt: skip


SHARINGS = [
    *(GpuSharingPlan(kind, parts) for kind in ("mps", "timeSlicing") for parts in (2, 3, 8, 48)),
    *(GpuSharingPlan("mig", mig_profile.instances, mig_profile.name) for mig_profile in mig_profiles("h100").values()),
]


@pytest.mark.parametrize("sharing", SHARINGS, ids=lambda each: f"{each.kind}-{each.profile or each.pods_per_gpu}")
def test_no_part_is_more_than_the_whole_and_all_parts_together_neither(sharing: GpuSharingPlan) -> None:
    card = gpu("h100")
    part = share_of(card, sharing)
    pods = sharing.pods_per_gpu
    assert pods * part.dense_flops_bf16 <= card.dense_flops_bf16 * 1.0001
    assert pods * part.memory_bandwidth_bytes_per_second <= card.memory_bandwidth_bytes_per_second * 1.0001
    if sharing.kind == "timeSlicing":
        assert part.usable_memory_bytes == card.usable_memory_bytes
    else:
        assert pods * part.usable_memory_bytes <= card.usable_memory_bytes * 1.01
    assert part.compute_capability == card.compute_capability


@pytest.mark.parametrize("sharing", SHARINGS[:4] + SHARINGS[-3:])
def test_larger_parts_are_larger_and_the_whole_is_last(sharing: GpuSharingPlan) -> None:
    card = gpu("h100")
    sizes = [share_of(card, each).usable_memory_bytes for _, each in larger_than(card, sharing)]
    assert sizes[-1] == card.usable_memory_bytes
    assert all(a <= b * 1.02 for a, b in itertools.pairwise(sizes))
    assert all(size > share_of(card, sharing).usable_memory_bytes for size in sizes)


@given(
    some.integers(2, 8),
    some.lists(some.tuples(some.floats(0.05, 0.99), some.integers(1, 5)), min_size=1, max_size=5),
)
def test_slices_are_refused_exactly_when_the_hungriest_that_can_meet_want_too_much(
    parts: int, wanted: list[tuple[float, int]]
) -> None:
    sharers = [Sharer(f"models[{i}]", f"m{i}", share, pods) for i, (share, pods) in enumerate(wanted)]
    findings = Findings()
    check_together(GpuSharingPlan("timeSlicing", parts), sharers, "l4", findings)
    pods = sorted((share for share, count in wanted for _ in range(count)), reverse=True)[:parts]
    assert bool(findings.all()) == (sum(pods) > 1 + 1e-9)
    for each in findings.all():
        written = float(each.text.split("write ")[1].split(" or less")[0])
        assert written * len(pods) <= 1


@pytest.mark.parametrize("kind", ["mps", "mig", "none"])
def test_where_memory_is_isolated_nothing_is_added_up(kind: str) -> None:
    findings = Findings()
    check_together(GpuSharingPlan(kind, 2), [Sharer("models[0]", "a", 0.9, 4)], "l4", findings)
    assert findings.all() == ()


def test_a_gated_model_in_a_part_keeps_its_other_checks() -> None:
    refused = errors(refusal(nodePools=[shared("mps")], models=[model(source=LLAMA)]))
    assert "models[0].tokenSecret" in refused
    assert "models[0].source" in refused, "8 billion parameters do not fit half an L4"
    assert "models[0].source" not in errors(
        refusal(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[model(source=LLAMA)])
    )
