"""Every AWS input that the components register is made in moto through the stand-in provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pulumi_aws as aws
import pytest

from components.aws.eks_addons import EksAddons, EksAddonsArgs
from components.aws.eks_cluster import EksCluster, EksClusterArgs, cluster
from components.aws.gpu_node_group import GpuNodeGroup, GpuNodeGroupArgs
from components.aws.network import Network, NetworkArgs, network
from components.aws.node_group import NodeGroup, NodeGroupArgs, node_role
from planning.model import CreateClusterPlan, ExistingClusterPlan, ExistingNetworkPlan
from settings.stack import StackSettings
from tests.components.samples import (
    CLUSTER_WITH_GUESTS,
    GPU_NODES,
    NETWORK_FOR_PRODUCTION,
    REGION,
    SYSTEM_NODES,
    TAGS,
    under,
)
from tests.moto_engine import MotoEngine, Refused, moto_account, replay
from tests.program import STACKS, needed_canaries, run_program, sections_of

DEFAULT_REGION = str(StackSettings.model_fields["region"].default)
PRODUCTION = replace(CLUSTER_WITH_GUESTS, protect=True)


def build(plan: CreateClusterPlan = PRODUCTION) -> None:
    """All AWS components, wired as in `__main__`."""
    provider = aws.Provider("aws", region=REGION)
    net = Network("net", NetworkArgs(NETWORK_FOR_PRODUCTION, plan.name, REGION, TAGS), under(provider)).outputs
    eks_args = EksClusterArgs(plan, net.private_subnet_ids(), REGION, TAGS)
    eks = EksCluster("eks", eks_args, under(provider)).outputs
    role = node_role("node-role", plan, TAGS, under(provider))
    system = NodeGroup("system", NodeGroupArgs(SYSTEM_NODES, eks, net, role.arn, TAGS), under(provider))
    late = tuple(addon for addon in plan.addons if addon.after_nodes)
    EksAddons("addons", EksAddonsArgs(system.cluster_name, late, TAGS), under(provider))
    GpuNodeGroup("l4", GpuNodeGroupArgs(GPU_NODES, eks, net, role.arn, TAGS), under(provider))


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with moto_account(REGION):
        yield


@pytest.fixture(scope="module")
def engine(account: None) -> MotoEngine:
    return replay(build, REGION)


@pytest.mark.parametrize("stack", STACKS)
def test_every_aws_input_of_our_stack_files_is_made(account: None, stack: str) -> None:
    sections = sections_of(stack)
    engine = MotoEngine(sections.get("region", DEFAULT_REGION))
    run_program(sections, stack, secrets=needed_canaries(stack), engine=engine)
    groups = engine.all("aws:eks/nodeGroup:NodeGroup")
    assert groups
    for group in groups:
        assert group.inputs["clusterName"] == engine.stack_outputs["cluster"]


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def test_everything_registered_is_made(engine: MotoEngine) -> None:
    made = {r.type for r in engine.registrations if r.type.startswith("aws:")}
    assert len(made) == 23, sorted(made)


def test_neither_a_refresh_nor_a_second_up_finds_anything_to_change(engine: MotoEngine) -> None:
    assert engine.made
    assert {made.name: engine.drift(made) for made in engine.made if engine.drift(made)} == {}


def test_the_cluster_in_moto_is_what_the_plan_says(engine: MotoEngine) -> None:
    described = client("eks").describe_cluster(name=PRODUCTION.name)["cluster"]
    assert described["version"] == PRODUCTION.version
    assert described["accessConfig"]["authenticationMode"] == "API"
    assert described["deletionProtection"] is True
    assert described["upgradePolicy"] == {"supportType": "STANDARD"}
    assert described["resourcesVpcConfig"]["publicAccessCidrs"] == ["198.51.100.0/24"]
    (logging,) = [entry for entry in described["logging"]["clusterLogging"] if entry["enabled"]]
    assert set(logging["types"]) == set(PRODUCTION.log_types)
    addons = set(client("eks").list_addons(clusterName=PRODUCTION.name)["addons"])
    assert addons == {addon.name for addon in PRODUCTION.addons}


def test_a_protected_cluster_is_not_deleted_even_where_pulumi_is_told_to(engine: MotoEngine) -> None:
    (made,) = (made for made in engine.made if made.type == "aws:eks/cluster:Cluster")
    with pytest.raises(Exception, match="deletion protection"):
        engine.delete(made)
    assert PRODUCTION.name in client("eks").list_clusters()["clusters"]


def test_the_node_groups_in_moto_stand_in_their_zones_with_labels_and_taints(engine: MotoEngine) -> None:
    eks = client("eks")
    groups = {
        group["labels"]["vllm-on-eks/pool"]: group
        for name in eks.list_nodegroups(clusterName=PRODUCTION.name)["nodegroups"]
        for group in [eks.describe_nodegroup(clusterName=PRODUCTION.name, nodegroupName=name)["nodegroup"]]
    }
    gpu = groups["l4"]
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert gpu["nodeRepairConfig"]["enabled"] is True
    assert gpu["amiType"] == "AL2023_x86_64_NVIDIA"
    zones = {
        subnet["AvailabilityZone"] for subnet in client("ec2").describe_subnets(SubnetIds=gpu["subnets"])["Subnets"]
    }
    assert zones == set(GPU_NODES.zones)


def test_launch_templates_in_moto_require_tokens(engine: MotoEngine) -> None:
    ec2 = client("ec2")
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])[
            "LaunchTemplateVersions"
        ]
        options = version["LaunchTemplateData"]["MetadataOptions"]
        assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)


def test_the_default_security_group_in_moto_has_no_rules(engine: MotoEngine) -> None:
    vpc_id = engine.outputs_of(engine.only("vllm-on-eks:index:Network"))["vpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def test_existing_network_and_cluster_are_found_by_what_was_made(engine: MotoEngine) -> None:
    made = engine.outputs_of(engine.only("vllm-on-eks:index:Network"))
    private = tuple(made["privateSubnetIds"])

    def second_stack() -> None:
        provider = aws.Provider("aws", region=REGION)
        network_found = ExistingNetworkPlan(made["vpcId"], private)
        where: dict[str, Any] = {"region": REGION, "tags": TAGS, "provider": provider}
        net = network("net", network_found, cluster_name=PRODUCTION.name, **where)
        existing = ExistingClusterPlan(PRODUCTION.name)
        eks = cluster("eks", existing, subnet_ids=net.private_subnet_ids(), **where)
        role = node_role("second-role", PRODUCTION, TAGS, under(provider))
        GpuNodeGroup("second", GpuNodeGroupArgs(GPU_NODES, eks, net, role.arn, TAGS), under(provider))

    second = replay(second_stack, REGION)
    group = second.only("aws:eks/nodeGroup:NodeGroup").inputs
    assert group["clusterName"] == PRODUCTION.name
    assert group["subnetIds"] == [private[NETWORK_FOR_PRODUCTION.zones.index("eu-central-1b")]]


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        ("aws:eks/cluster:Cluster", {"enabledClusterLogTypes": ["audits"]}),
        ("aws:eks/nodeGroup:NodeGroup", {"amiType": "AL2023_x86_64_NVIDEA"}),
        ("aws:eks/nodeGroup:NodeGroup", {"capacityType": "CHEAP"}),
        ("aws:eks/nodeGroup:NodeGroup", {"instanceTypes": ["g6.2xlarg"]}),
        ("aws:ec2/launchTemplate:LaunchTemplate", {"metadataOptions": {"httpTokens": "always"}}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value).rsplit(":", 1)[-1],
)
def test_a_replay_can_fail(engine: MotoEngine, type_: str, change: dict[str, Any]) -> None:
    recorded = engine.all(type_)[0]
    engine.check(recorded.type, recorded.name, recorded.plain_inputs)
    with pytest.raises(Refused):
        engine.check(recorded.type, recorded.name, {**recorded.plain_inputs, **change})


def test_role_documents_in_moto_are_json_that_names_the_service(engine: MotoEngine) -> None:
    roles = client("iam").list_roles()["Roles"]
    trusted = {
        json.dumps(role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]).strip('"')
        for role in roles
    }
    assert trusted == {f"{s}.amazonaws.com" for s in ("eks", "ec2", "pods.eks", "vpc-flow-logs")}
