"""Pools of Karpenter's: what is told of their nodes, how long a drain may take, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from planning.cluster.quotas import quotas
from planning.model import NodeGroupPlan, PlanRefused, Severity
from planning.nodes.growth import node_start
from planning.plan import plan
from planning.serving.cold_start import seconds
from settings.read import read
from settings.stack import StackSettings
from tests.golden import assert_matches
from tests.planning.stacks import errors, model, planned, refusal, rules, stack

GOLDENS = Path(__file__).parents[1] / "goldens"
RELEASE = "1.35.4-20260505"
RESERVATION = "cr-0123456789abcdef0"
BOTTLEROCKET = {"amiFamily": "bottlerocket", "amiReleaseVersion": "1.57.0"}
DRAIN = {"preStopSeconds": 15, "shutdownTimeoutSeconds": 60}


def karpenter(**changes: Any) -> dict[str, Any]:
    """One kind of L4 node."""
    return {
        "name": "l4",
        "kind": "karpenter",
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "amiReleaseVersion": RELEASE,
        **changes,
    }


def group(models: list[dict[str, Any]] | None = None, name: str = "dev", **changes: Any) -> NodeGroupPlan:
    """The planned pool."""
    wanted = [model()] if models is None else models
    return planned(name, nodePools=[karpenter(**changes)], models=wanted).gpu_pools[0]


def test_a_pool_is_managed_where_nobody_says_otherwise_and_then_has_no_karpenter() -> None:
    stack_plan = planned()
    assert stack_plan.karpenter is None
    assert stack_plan.gpu_pools[0].karpenter is None
    assert stack_plan.node_groups == stack_plan.gpu_pools


def test_reserved_comes_before_spot_and_spot_before_on_demand_however_they_are_written() -> None:
    nodes = group(
        capacityTypes=["onDemand", "reserved", "spot"],
        capacityReservationIds=[RESERVATION],
        instanceTypes=["g6.xlarge"],
    ).karpenter
    assert nodes is not None
    assert nodes.capacity_types == ("reserved", "spot", "on-demand")
    assert nodes.capacity_reservation_ids == (RESERVATION,)


def test_the_ami_is_the_release_that_the_stack_file_names() -> None:
    nodes = group().karpenter
    assert nodes is not None
    assert nodes.ami_alias == "al2023@v20260505"
    assert nodes.architecture == "amd64"


@pytest.mark.parametrize(
    ("asked", "types", "policy"),
    [
        ({}, ["g6.xlarge"], "RAID0"),
        ({"instanceStore": "unused"}, ["g6.xlarge"], None),
        ({"instanceStore": "raid0", "diskGib": 500}, ["g6.xlarge"], "RAID0"),
        ({"diskGib": 500}, ["g6.xlarge"], None),
        ({}, ["g4dn.xlarge"], None),
        ({"instanceStore": "raid0"}, ["g4dn.xlarge"], "RAID0"),
    ],
)
def test_the_instances_own_disks_are_used_where_there_are_some(
    asked: dict[str, Any], types: list[str], policy: str | None
) -> None:
    small = model(source="Qwen/Qwen2.5-0.5B-Instruct", dtype="float16")  # fits the smallest GPU
    nodes = group([small], instanceTypes=types, **asked).karpenter
    assert nodes is not None
    assert nodes.instance_store == policy


@pytest.mark.parametrize(("fewest", "most", "nodes"), [(0, 2, 0), (1, 2, 1), (2, 3, 2)])
def test_at_fewest_there_are_the_nodes_of_the_fewest_replicas(fewest: int, most: int, nodes: int) -> None:
    keda = {
        "kind": "keda",
        "minReplicas": fewest,
        "maxReplicas": most,
        "metrics": [{"kind": "requestRate", "target": 1}],
    }
    scaling = {"minReplicas": fewest, "maxReplicas": most} if fewest else keda
    served = model(autoscaling=scaling) if fewest else None
    pool = group([served] if served else [])
    assert (pool.min_nodes, pool.max_nodes) == (nodes, 3)


def test_the_bill_starts_with_what_the_fewest_replicas_need() -> None:
    stack_plan = planned(nodePools=[karpenter()], models=[model(autoscaling={"minReplicas": 2, "maxReplicas": 3})])
    (line,) = (line for line in stack_plan.cost.lines if line.what.startswith("nodes of l4"))
    assert line.what.startswith("nodes of l4 (2-3 ×")
    assert line.min_usd_per_hour == pytest.approx(2 * 0.8048)
    assert line.max_usd_per_hour == pytest.approx(3 * 0.9776)


def test_a_replica_waits_for_its_node_as_long_as_karpenter_takes() -> None:
    served_one = planned(nodePools=[karpenter()]).models[0]
    assert served_one.node_start == node_start("karpenter")
    assert seconds(node_start("karpenter"))[1] < seconds(node_start())[1]


def test_a_drain_may_take_as_long_as_every_pod_of_a_node_needs_to_be_ready_elsewhere() -> None:
    eight = karpenter(instanceTypes=["g6.48xlarge"])
    stack_plan = planned(nodePools=[eight], models=[model(drain=DRAIN)])
    served, nodes = stack_plan.models[0], stack_plan.gpu_pools[0].karpenter
    assert nodes is not None
    one = served.drain.grace_period_seconds + seconds((*served.node_start, *served.cold_start))[1]
    turns = -(-8 // served.max_unavailable)
    assert turns * one <= nodes.termination_grace_seconds < turns * one + 60


def test_quotas_are_those_of_every_way_to_buy() -> None:
    stack_plan = planned(nodePools=[karpenter(capacityTypes=["spot", "onDemand"])])
    needed = {quota.quota.code: quota.needed for quota in quotas(stack_plan)}
    assert needed["L-DB2E81BA"] == needed["L-3819A6DF"] == 3 * 8


def test_the_cluster_autoscaler_comes_for_managed_groups_only() -> None:
    fixed = {"minNodes": 2, "maxNodes": 2}
    assert planned(nodePools=[karpenter()], systemNodes=fixed).cluster_autoscaler is None
    assert planned(nodePools=[karpenter()]).cluster_autoscaler is not None  # the system nodes grow


def test_two_controllers_need_two_system_nodes() -> None:
    nodes = planned(nodePools=[karpenter()]).karpenter
    alone = planned(nodePools=[karpenter()], systemNodes={"minNodes": 1, "instanceTypes": ["m7i.2xlarge"]}).karpenter
    assert nodes is not None
    assert alone is not None
    assert (nodes.replicas, alone.replicas) == (2, 1)


def test_in_production_a_floor_stands_on_more_than_spot() -> None:
    only = karpenter(capacityTypes=["spot"])
    told = errors(refusal("prod", nodePools=[only], models=[model(drain=DRAIN)]))
    assert "write capacityTypes: [spot, onDemand]" in told["nodePools[0].capacityTypes"]
    both = karpenter(capacityTypes=["spot", "onDemand"])
    assert "spot-floor" not in rules(
        planned("prod", nodePools=[both], models=[model(drain=DRAIN)]).findings, Severity.ERROR
    )
    assert group([model(drain=DRAIN)], capacityTypes=["spot"]).capacity_type == "SPOT"


def test_a_pools_grace_below_a_pods_drain_is_an_error_and_below_a_nodes_a_warning() -> None:
    told = errors(refusal(nodePools=[karpenter(terminationGraceSeconds=60)]))
    assert "s to finish what it answers" in told["nodePools[0].terminationGraceSeconds"]
    stack_plan = planned(nodePools=[karpenter(terminationGraceSeconds=300)])
    assert "termination-grace" in rules(stack_plan.findings, Severity.WARNING)
    assert stack_plan.gpu_pools[0].karpenter is not None
    assert stack_plan.gpu_pools[0].karpenter.termination_grace_seconds == 300


def test_in_another_ones_cluster_two_autoscalers_would_meet() -> None:
    sections = {
        "cluster": {"kind": "existing", "name": "main"},
        "network": {"kind": "existing", "vpcId": "vpc-01", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
    }
    findings = refusal(nodePools=[karpenter()], **sections)
    assert "may have Karpenter or Auto Mode already" in errors(findings)["nodePools[0].kind"]
    assert "two-node-autoscalers" in rules(findings, Severity.ERROR)


@pytest.mark.parametrize("key", ["karpenter.sh/nodepool", "karpenter.k8s.aws/instance-gpu-name"])
def test_a_label_by_which_karpenter_takes_a_node_for_its_own_is_refused_in_every_pool(key: str) -> None:
    for pools in (
        [karpenter(labels={key: "x"})],
        [{"name": "l4", "instanceTypes": ["g6.xlarge"], "labels": {key: "x"}}],
    ):
        assert f"nodePools[0].labels.{key}" in errors(refusal(nodePools=pools))


@pytest.mark.parametrize("key", ["kubernetes.io/cluster/main", "karpenter.sh/nodepool", "eks:eks-cluster-name"])
def test_tags_that_karpenter_writes_are_refused_beside_its_pools(key: str) -> None:
    assert f"tags.{key}" in errors(refusal(nodePools=[karpenter()], tags={key: "x"}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capacityReservationIds": [RESERVATION], "capacityTypes": ["spot"]}, "write capacityTypes: .reserved, spot."),
        ({"capacityReservationIds": [RESERVATION]}, "write capacityTypes: .reserved, onDemand."),
        ({"capacityTypes": ["reserved"]}, "without capacityReservationIds"),
        ({"capacityTypes": ["spot", "spot"]}, "names one twice"),
        ({"capacityTypes": []}, "at least 1"),
        ({"replacedAtOnce": 4}, "more than maxNodes 3"),
        ({"amiReleaseVersion": "latest"}, "write <Kubernetes version>-<date>"),
        ({"capacityReservationIds": ["cr-xyz"], "capacityTypes": ["reserved"]}, "write cr- and hex digits"),
        ({"kind": "autoMode"}, "managed.*karpenter"),
        ({"minNodes": 1}, "minNodes"),
        ({"capacity": "spot"}, "capacity"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        stack(nodePools=[karpenter(**changes)])


def test_a_release_must_be_named() -> None:
    without = karpenter()
    del without["amiReleaseVersion"]
    with pytest.raises(ValidationError, match="amiReleaseVersion"):
        StackSettings.model_validate({"nodePools": [without], "models": [model()]})


@pytest.mark.parametrize(
    ("changes", "gpus"),
    [
        ({}, None),
        ({"instanceTypes": ["g6f.large"]}, 1),
        ({"instanceTypes": ["gr6f.4xlarge"]}, 1),
        ({"instanceTypes": ["g6.12xlarge"], "gpuSharing": {"kind": "timeSlicing", "replicas": 3}}, 12),
        ({"gpuSharing": {"kind": "mps", "replicas": 2}}, 2),
        (BOTTLEROCKET | {"gpuSharing": {"kind": "mps", "replicas": 2}}, 2),
        (BOTTLEROCKET | {"instanceTypes": ["p4d.24xlarge"], "gpuSharing": {"kind": "mig", "profile": "2g.10gb"}}, 24),
        (BOTTLEROCKET, None),
    ],
)
def test_karpenter_is_told_of_gpus_that_ec2_counts_otherwise(changes: dict[str, Any], gpus: int | None) -> None:
    found = planned(models=[], nodePools=[karpenter(**changes)])
    (nodes,) = found.gpu_pools
    assert nodes.karpenter is not None
    assert found.karpenter is not None
    assert nodes.karpenter.told_gpus == gpus
    assert found.karpenter.overlays == (gpus is not None), "an alpha feature: on where it is needed only"
    assert gpus in (None, nodes.advertised_gpus)
    assert "nvidia.com/mig.config.state" not in nodes.labels_later


def test_on_al2023_mig_is_cut_too_late_for_karpenter() -> None:
    sections = {"instanceTypes": ["p4d.24xlarge"], "gpuSharing": {"kind": "mig", "profile": "2g.10gb"}}
    told = errors(refusal(models=[], nodePools=[karpenter(**sections)]))["nodePools[0].gpuSharing.kind"]
    assert "after it joined" in told
    assert "write amiFamily: bottlerocket, which cuts them before the node joins, or kind: managed" in told


def test_the_whole_refusal() -> None:
    pools = [
        karpenter(capacityTypes=["spot"], terminationGraceSeconds=60, instanceTypes=["g4dn.xlarge", "g4dn.2xlarge"]),
        karpenter(name="big", instanceTypes=["g6.48xlarge"], labels={"karpenter.sh/nodepool": "x"}),
    ]
    asked = stack(
        nodePools=pools,
        models=[model(pool="l4", maxModelLen=2048, quantization="awq", source="Qwen/Qwen2.5-7B-Instruct-AWQ")],
        tags={"karpenter.sh/nodepool": "mine"},
    )
    with pytest.raises(PlanRefused) as refused:
        plan(asked, "prod")
    assert_matches(GOLDENS / "refusal-karpenter.txt", str(refused.value) + "\n")


def test_settings_tell_of_a_wrong_pool_in_words_with_its_path() -> None:
    loaded = read({"nodePools": [karpenter(minNodes=1, capacity="spot", kind="karpenter")]}, "dev")
    texts = {problem.path: problem.text for problem in loaded.problems}
    words = "kind karpenter has no such key, only managed has; leave it out"
    assert texts["nodePools[0].minNodes"] == texts["nodePools[0].capacity"] == words
    loaded = read({"nodePools": [karpenter(kind="autoMode")]}, "dev")
    (problem,) = loaded.problems
    assert (problem.path, "karpenter" in problem.text) == ("nodePools[0]", True)
