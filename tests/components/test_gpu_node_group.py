"""Node groups: GPU pools and the system group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pulumi_aws as aws
import pytest

from components.aws.gpu_node_group import GpuNodeGroup, GpuNodeGroupArgs
from components.aws.iam import NODE_POLICIES, managed
from components.aws.network import Network, NetworkArgs
from components.aws.node_group import NodeGroup, NodeGroupArgs, data_device, node_role, taint
from planning.model import NodeGroupPlan, ReservationPlan
from tests.components.samples import (
    CLUSTER,
    GOLDENS,
    GPU_NODES,
    NETWORK,
    REGION,
    SYSTEM_NODES,
    TAGS,
    in_region,
    once,
    under,
)
from tests.components.test_eks_cluster import build_cluster
from tests.engine import UNKNOWN, Engine, Registration, redacted
from tests.golden import as_yaml, assert_matches


def build_nodes(provider: aws.Provider, *plans: NodeGroupPlan) -> list[NodeGroup]:
    """Network, cluster and role as `__main__` wires them, and a node group per plan, named `pool-<plan>`."""
    net = Network("net", NetworkArgs(NETWORK, CLUSTER.name, REGION, TAGS), under(provider)).outputs
    eks = build_cluster(provider, CLUSTER).outputs
    role = node_role("node-role", CLUSTER, TAGS, under(provider))
    groups: list[NodeGroup] = []
    for plan in plans:
        if plan.gpu is None:
            args = NodeGroupArgs(plan, eks, net, role.arn, TAGS)
            groups.append(NodeGroup(f"pool-{plan.name}", args, under(provider)))
        else:
            gpu_args = GpuNodeGroupArgs(plan, eks, net, role.arn, TAGS)
            groups.append(GpuNodeGroup(f"pool-{plan.name}", gpu_args, under(provider)))
    return groups


def recorded(*plans: NodeGroupPlan, preview: bool = False) -> Engine:
    return once(f"{plans} {preview}", lambda: in_region(lambda aws_: build_nodes(aws_, *plans), preview))


def nodes(plan: NodeGroupPlan) -> Registration:
    return recorded(plan).only("aws:eks/nodeGroup:NodeGroup")


def template(plan: NodeGroupPlan) -> Registration:
    return recorded(plan).only("LaunchTemplate")


@pytest.mark.parametrize("plan", [GPU_NODES, SYSTEM_NODES], ids=lambda plan: str(plan.name))
def test_a_node_group_is_as_reviewed(plan: NodeGroupPlan) -> None:
    engine = recorded(plan)
    mine = [r for r in engine.registrations if r.parent_name == f"pool-{plan.name}"]
    text = as_yaml({f"{r.type.rsplit(':', 1)[-1]} {r.name}": redacted(r.inputs) for r in mine})
    assert_matches(GOLDENS / f"node_group_{plan.name}.yaml", text)


def test_gpu_nodes_can_be_found_and_keep_others_away() -> None:
    inputs = nodes(GPU_NODES).inputs
    assert inputs["amiType"] == "AL2023_x86_64_NVIDIA"
    assert inputs["labels"]["accelerator"] == "nvidia"
    assert inputs["labels"]["gpu-type"] == "l4"
    assert inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert inputs["capacityType"] == "SPOT"


BLOCK = replace(
    GPU_NODES,
    instance_types=("p5.48xlarge",),
    capacity_type="CAPACITY_BLOCK",
    reservation=ReservationPlan("cr-0123456789abcdef0"),
)


def test_a_capacity_block_is_said_in_the_launch_template_with_its_type_which_the_group_leaves_out() -> None:
    said = template(BLOCK).inputs
    target = {"capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"}}
    assert said["capacityReservationSpecification"] == target
    assert said["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert said["instanceType"] == "p5.48xlarge"
    assert nodes(BLOCK).inputs["capacityType"] == "CAPACITY_BLOCK"
    assert "instanceTypes" not in nodes(BLOCK).inputs


@pytest.mark.parametrize(
    ("plan", "target"),
    [
        (ReservationPlan("cr-0123456789abcdef0"), {"capacityReservationId": "cr-0123456789abcdef0"}),
        (ReservationPlan(None, "arn:aws:x"), {"capacityReservationResourceGroupArn": "arn:aws:x"}),
    ],
)
def test_a_reservation_is_the_target_of_on_demand_nodes(plan: ReservationPlan, target: dict[str, str]) -> None:
    group = replace(GPU_NODES, capacity_type="ON_DEMAND", reservation=plan)
    said = template(group).inputs
    assert said["capacityReservationSpecification"] == {"capacityReservationTarget": target}
    assert not {"instanceMarketOptions", "instanceType"} & said.keys()
    assert nodes(group).inputs["capacityType"] == "ON_DEMAND"
    assert nodes(group).inputs["instanceTypes"] == ["g6.2xlarge"]


def test_nodes_of_no_reservation_name_none() -> None:
    absent = {"capacityReservationSpecification", "instanceMarketOptions", "instanceType"}
    assert not absent & template(GPU_NODES).inputs.keys()


def test_the_release_version_is_pinned_only_by_setting() -> None:
    assert nodes(GPU_NODES).inputs["releaseVersion"] == "1.34.2-20261015"
    assert "releaseVersion" not in nodes(SYSTEM_NODES).inputs


def test_nodes_follow_the_version_of_their_cluster() -> None:
    group = nodes(SYSTEM_NODES)
    assert group.inputs["version"] == CLUSTER.version
    assert "eks-cluster" in group.dependency_names


def test_metadata_is_out_of_reach_of_pods() -> None:
    assert template(GPU_NODES).inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_images_and_caches_are_on_an_encrypted_gp3_volume() -> None:
    (mapping,) = template(GPU_NODES).inputs["blockDeviceMappings"]
    assert mapping == {
        "deviceName": "/dev/xvda",
        "ebs": {
            "volumeType": "gp3",
            "volumeSize": 200,
            "throughput": 500,
            "iops": 4000,
            "encrypted": "true",
            "deleteOnTermination": "true",
        },
    }


@pytest.mark.parametrize(
    ("ami_type", "device"),
    [
        ("AL2023_x86_64_NVIDIA", "/dev/xvda"),
        ("AL2023_ARM_64_STANDARD", "/dev/xvda"),
        ("BOTTLEROCKET_x86_64_NVIDIA", "/dev/xvdb"),
    ],
)
def test_the_volume_with_images_is_the_second_one_of_bottlerocket(ami_type: str, device: str) -> None:
    assert data_device(ami_type) == device


def test_instances_and_volumes_carry_the_tags_and_their_name() -> None:
    specifications = template(GPU_NODES).inputs["tagSpecifications"]
    assert {s["resourceType"] for s in specifications} == {"instance", "volume"}
    assert all(s["tags"] == {**TAGS, "Name": "pool-l4"} for s in specifications)


def test_the_template_sets_nothing_that_eks_refuses_beside_a_node_group() -> None:
    inputs = template(GPU_NODES).inputs
    assert not inputs.keys() & {"imageId", "instanceType", "iamInstanceProfile", "instanceMarketOptions", "name"}
    assert "diskSize" not in nodes(GPU_NODES).inputs
    assert "remoteAccess" not in nodes(GPU_NODES).inputs


def test_the_number_of_nodes_belongs_to_the_autoscaler() -> None:
    group = nodes(GPU_NODES)
    assert group.ignore_changes == ("scalingConfig.desiredSize",)
    assert group.inputs["scalingConfig"] == {"minSize": 1, "desiredSize": 1, "maxSize": 3}


def test_a_group_stands_in_its_zones_only() -> None:
    engine = recorded(GPU_NODES, SYSTEM_NODES)
    private = engine.outputs_of(engine.only("vllm-on-eks:index:Network"))["privateSubnetIds"]
    assert engine.named("pool-l4-nodes").inputs["subnetIds"] == private[1:]
    assert engine.named("pool-system-nodes").inputs["subnetIds"] == private


def test_a_zone_without_a_subnet_ends_the_program() -> None:
    with pytest.raises(ValueError, match="no private subnet in eu-central-1c"):
        recorded(replace(GPU_NODES, zones=("eu-central-1c",)))


def test_node_repair_and_the_pace_of_updates_are_set() -> None:
    inputs = nodes(replace(GPU_NODES, node_repair=False, max_unavailable=2)).inputs
    assert inputs["nodeRepairConfig"] == {"enabled": False}
    assert inputs["updateConfig"] == {"maxUnavailable": 2, "updateStrategy": "DEFAULT"}


def test_nodes_wait_for_networking_add_ons_and_for_their_role_with_its_policies() -> None:
    waits_for = nodes(GPU_NODES).dependency_names
    assert {"eks-addons-vpc-cni", "eks-addons-kube-proxy"} <= waits_for
    assert {f"node-role-{arn.rsplit('/', 1)[-1]}" for arn in managed("aws", NODE_POLICIES)} <= waits_for
    assert nodes(GPU_NODES).depends_on == set()


def test_the_node_role_holds_three_policies_and_no_more() -> None:
    engine = recorded(SYSTEM_NODES)
    mine = [a for a in engine.all("RolePolicyAttachment") if a.parent_name == "node-role"]
    assert {a.inputs["policyArn"] for a in mine} == set(managed("aws", NODE_POLICIES))


def test_two_pools_and_the_system_group_live_side_by_side() -> None:
    engine = recorded(SYSTEM_NODES, GPU_NODES, replace(GPU_NODES, name="l4-spare"))
    assert len(engine.all("aws:eks/nodeGroup:NodeGroup")) == 3
    assert len(engine.all("vllm-on-eks:index:GpuNodeGroup")) == 2
    assert len(engine.all("vllm-on-eks:index:NodeGroup")) == 1
    for registration in (*engine.all("aws:eks/nodeGroup:NodeGroup"), *engine.all("LaunchTemplate")):
        assert not registration.inputs.keys() & {"name", "nodeGroupName"}, "Pulumi names them, no collisions"


def test_a_first_preview_knows_sizes_and_labels_but_not_the_template() -> None:
    group = recorded(GPU_NODES, preview=True).only("aws:eks/nodeGroup:NodeGroup").inputs
    assert group["labels"] == GPU_NODES.labels
    assert group["clusterName"] == CLUSTER.name
    assert group["subnetIds"] is UNKNOWN


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gpu": None}, "is no GPU node group"),
        ({"ami_type": "AL2023_x86_64_STANDARD"}, "is no GPU node group"),
        ({"labels": {"accelerator": "nvidia"}}, "lacks the labels gpu-type"),
        ({"taints": ()}, "lacks the taint"),
    ],
)
def test_gpus_that_nobody_finds_or_anybody_takes_are_refused(change: dict[str, Any], words: str) -> None:
    nobody = cast(Any, None)  # refused before anything else of it is looked at
    with pytest.raises(ValueError, match=words):
        GpuNodeGroupArgs(replace(GPU_NODES, **change), nobody, nobody, "arn", TAGS)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data_device("CUSTOM"), "known: BOTTLEROCKET, AL2023"),
        (lambda: taint("k", "v", "Evict"), "known: NoSchedule, NoExecute"),
    ],
)
def test_unknown_words_are_refused_with_the_known_ones(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_what_the_autoscaler_knows_by_tags_only_is_tagged() -> None:
    plan = replace(GPU_NODES, resources_by_tag={"ephemeral-storage": "180000Mi"})
    tag = "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"
    assert nodes(plan).inputs["tags"][tag] == "180000Mi"


def test_without_further_groups_eks_gives_nodes_the_clusters_own() -> None:
    assert "vpcSecurityGroupIds" not in template(GPU_NODES).inputs


def test_nodes_of_an_existing_cluster_join_its_own_group_and_those_that_are_listed() -> None:
    def build(provider: aws.Provider) -> None:
        net = Network("net", NetworkArgs(NETWORK, CLUSTER.name, REGION, TAGS), under(provider)).outputs
        there = replace(build_cluster(provider, CLUSTER).outputs, node_security_group_ids=("sg-0a", "sg-0b"))
        role = node_role("node-role", CLUSTER, TAGS, under(provider))
        GpuNodeGroup("l4", GpuNodeGroupArgs(GPU_NODES, there, net, role.arn, TAGS), under(provider))

    engine = in_region(build, False)
    own, *further = engine.named("l4-template").inputs["vpcSecurityGroupIds"]
    assert further == ["sg-0a", "sg-0b"]
    assert own.startswith("sg-"), "a template that names groups has to name the cluster's own, too"


def test_a_group_stands_in_its_own_subnets_where_it_names_some() -> None:
    group = nodes(replace(GPU_NODES, zones=(), subnet_ids=("subnet-0b",)))
    assert group.inputs["subnetIds"] == ["subnet-0b"]
