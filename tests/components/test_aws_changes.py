"""Stacks through up, changes and destroy in an account that answers like AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest

from local.aws_endpoint.contract.account import ACCOUNT_ID, NEWER, Account, Runner
from local.aws_endpoint.facts import BOTTLEROCKET_RELEASES
from planning.decide import decide
from planning.model import PlanRefused
from settings.read import read
from tests.components.test_aws_life import ADDRESS, REGION, reachable
from tests.local.aws.needs import trust
from tests.moto_engine import MotoEngine, moto_account
from tests.program import needed_canaries, run_program

QUOTAS = {"L-DB2E81BA": 400, "L-3819A6DF": 400, "L-417A185B": 400, "L-7212CCBC": 400, "L-1216C47A": 64}
Sections = Mapping[str, Any]


# Addresses that a stack's webhooks name.
ADDRESSES = {"billAddress": "https://events.example.com/canary-bill-4711"}


def ran(sections: Sections, stack: str, region: str, before: MotoEngine | None = None) -> MotoEngine:
    engine = MotoEngine(region, plays_kubernetes=True, before=before)
    addresses = {key: value for key, value in ADDRESSES.items() if key in str(sections)}
    run_program(sections, stack, secrets={**needed_canaries("prod"), **addresses}, engine=engine)
    engine.finish()
    return engine


def more_nodes(sections: Sections) -> Sections:
    first, *others = sections["nodePools"]
    return {**sections, "nodePools": [{**first, "maxNodes": first.get("maxNodes", 3) + 1}, *others]}


def without_amounts(sections: Sections) -> Sections:
    """Who is told stays; what the stack may cost goes, for the changes make it larger."""
    notify = sections.get("budget", {}).get("notify")
    others = {key: value for key, value in sections.items() if key != "budget"}
    return {**others, "budget": {"notify": notify}} if notify else others


def another_tag(sections: Sections) -> Sections:
    """A new launch template version: every node is replaced."""
    return {**sections, "tags": {**sections.get("tags", {}), "cost-center": "llm"}}


def another_pool(sections: Sections) -> Sections:
    pool = {"name": "big", "instanceTypes": ["g5.xlarge"], "maxNodes": 1}
    first = sections["nodePools"][0]["name"]
    models = [{"pool": first, **model} for model in sections["models"]]  # with two pools each model says which
    return {**sections, "nodePools": [*sections["nodePools"], pool], "models": models}


def everything(sections: Sections) -> Sections:
    return another_pool(another_tag(more_nodes(sections)))


STEP_BY_STEP = (more_nodes, another_tag, another_pool)
AT_ONCE = (everything,)


TOKYO = {"region": "ap-northeast-1"}


def tokyo() -> Sections:
    return {**reachable("dev"), **TOKYO}


def spot_and_mig() -> Sections:
    dev = reachable("dev")
    pool = {
        "name": "cut",
        "instanceTypes": ["p4d.24xlarge"],
        "capacity": "spot",
        "minNodes": 1,
        "maxNodes": 1,
        "gpuSharing": {"kind": "mig", "profile": "3g.20gb"},
    }
    models = [{key: value for key, value in model.items() if key not in ("traffic", "slo")} for model in dev["models"]]
    return {**dev, "nodePools": [pool], "models": [{**model, "pool": "cut"} for model in models]}


def capacity_block() -> Sections:
    """Nodes of one zone, of a type that the launch template names."""
    dev = reachable("dev")
    pool = {
        "name": "block",
        "instanceTypes": ["p4d.24xlarge"],
        "capacity": {"kind": "capacityBlock", "id": "cr-0123456789abcdef0"},
        "zones": ["us-east-1b"],
        "diskGib": 600,
        "maxNodes": 1,
    }
    models = [{key: value for key, value in model.items() if key not in ("traffic", "slo")} for model in dev["models"]]
    return {**dev, "nodePools": [pool], "models": [{**model, "pool": "block"} for model in models]}


def existing() -> Sections:
    """A cluster and network that somebody else made, with what nodes need."""
    from tests.local.aws_endpoint.land import Land, settled

    here = settled(Land(REGION, Account()))
    role = boto3.client("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=trust("eks.amazonaws.com"))
    me = {"bootstrapClusterCreatorAdminPermissions": True, "authenticationMode": "API"}
    vpc = {"endpointPublicAccess": True, "endpointPrivateAccess": True, "publicAccessCidrs": [f"{ADDRESS}/32"]}
    name = here.cluster(name="shared", version="1.35", roleArn=role["Role"]["Arn"], accessConfig=me, vpc=vpc)
    for addon in ("vpc-cni", "eks-pod-identity-agent", "aws-ebs-csi-driver"):
        here.eks.create_addon(clusterName=name, addonName=addon)
    network = {"kind": "existing", "vpcId": here.vpc, "privateSubnetIds": here.subnets}
    return {**reachable("dev"), "cluster": {"kind": "existing", "name": name}, "network": network}


def existing_with_its_own() -> Sections:
    """The same cluster with a security group of its nodes, a Prometheus, and a pool in one of its subnets."""
    sections = existing()
    network = sections["network"]
    ec2 = boto3.client("ec2", region_name=REGION)
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=network["vpcId"])["GroupId"]
    cluster = {**sections["cluster"], "version": "1.35", "nodeSecurityGroupIds": [group]}
    pools = [{**pool, "subnetIds": network["privateSubnetIds"][:1]} for pool in sections["nodePools"]]
    labels = {"release": "prom"}
    prometheus = {"kind": "existing", "namespace": "observability", "monitorLabels": labels, "ruleLabels": labels}
    return {**sections, "cluster": cluster, "nodePools": pools, "monitoring": {"prometheus": prometheus}}


def strict() -> Sections:
    """Pods that no network policy selects are closed; nodes run Bottlerocket, the added pool's AL2023."""
    dev = reachable("dev")
    image = {"amiFamily": "bottlerocket", "amiReleaseVersion": BOTTLEROCKET_RELEASES[0], "fastStart": True}
    pools = [{**pool, **image} for pool in dev["nodePools"]]
    return {**dev, "cluster": {**dev["cluster"], "networkPolicyMode": "strict"}, "nodePools": pools}


def told() -> Sections:
    """People are told of the bill by mail, in Slack and Teams, and at an address that speaks SNS."""
    uuid = "74361522-da01-538d-aa2e-ac7918c6bb9"
    teams = {"tenantId": f"{uuid}1", "teamId": f"{uuid}2", "channelId": "19%3ab6ef%40thread.tacv2"}
    slack = {"workspaceId": "T07EA123LEP", "channelId": "C07EZ1ABC23"}
    channels = [
        {"kind": "slack", **slack, "policies": ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]},
        {"kind": "teams", **teams},
        {"kind": "webhook", "urlKey": "billAddress"},
    ]
    notify = {"emails": ["a@team.invalid"], "channels": channels, "anomalies": {"tagActivated": True}}
    return {**reachable("dev"), "budget": {"notify": notify}}


def on_efs_through_ecr() -> Sections:
    """Weights on a file system of the stack's; images through ECR, which wants a credential for one registry."""
    dev = reachable("dev")
    made = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="ecr-pullthroughcache/docker-hub", SecretString='{"username": "u", "accessToken": "canary-hub-4712"}'
    )
    upstreams = [{"registry": "docker.io", "credentialArn": made["ARN"]}]
    upstreams += [{"registry": registry} for registry in ("quay.io", "registry.k8s.io")]
    cache = {"pullThrough": {"prefix": "dev", "upstreams": upstreams}}
    models = [{**model, "cache": {"kind": "efs"}} for model in dev["models"]]
    return {**dev, "account": ACCOUNT_ID, "registry": cache, "models": models}


ONE_AT_A_TIME = {"dev", "prod", "existing cluster"}
"""Stacks that change in steps; the others take one update with all of it."""
STACKS: Mapping[str, tuple[str, Callable[[], Sections], str]] = {
    "dev": (REGION, lambda: reachable("dev"), "dev"),
    "prod": (REGION, lambda: reachable("prod"), "prod"),
    "existing cluster": (REGION, existing, "dev"),
    "existing cluster with its groups and Prometheus": (REGION, existing_with_its_own, "dev"),
    "strict network policies, Bottlerocket": (REGION, strict, "dev"),
    "Tokyo": ("ap-northeast-1", tokyo, "dev"),
    "spot and MIG": (REGION, spot_and_mig, "dev"),
    "Capacity Block": (REGION, capacity_block, "dev"),
    "weights on EFS, images through ECR": (REGION, on_efs_through_ecr, "dev"),
    "bill read in Slack and Teams": (REGION, told, "dev"),
    "bill read in Slack and Teams, from Tokyo": ("ap-northeast-1", lambda: {**told(), **TOKYO}, "dev"),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_lives_through_its_changes_and_leaves_nothing(name: str) -> None:
    region, sections_of, stack = STACKS[name]
    with moto_account(region, Account(zones=NEWER, has_nodes=True, quotas=QUOTAS, runner=Runner(ADDRESS))):
        sections = sections_of()
        ec2, eks = boto3.client("ec2", region_name=region), boto3.client("eks", region_name=region)
        before = {
            interface["NetworkInterfaceId"] for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]
        }
        engine = ran(sections, stack, region)
        for change in STEP_BY_STEP if name in ONE_AT_A_TIME else AT_ONCE:
            sections = without_amounts(change(sections))
            engine = ran(sections, stack, region, engine)
        cluster = eks.list_clusters()["clusters"][0]
        groups = [
            eks.describe_nodegroup(clusterName=cluster, nodegroupName=nodegroup)["nodegroup"]
            for nodegroup in eks.list_nodegroups(clusterName=cluster)["nodegroups"]
        ]
        assert {group["tags"]["cost-center"] for group in groups} == {"llm"}
        assert "big" in {group["labels"]["vllm-on-eks/pool"] for group in groups}
        ecr = boto3.client("ecr", region_name=region)
        rules = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
        through = ["dev/docker-hub", "dev/kubernetes", "dev/quay"] if name.endswith("ECR") else []
        assert sorted(rule["ecrRepositoryPrefix"] for rule in rules) == through
        sns, chats = boto3.client("sns", region_name=region), boto3.client("chatbot", region_name="us-east-2")
        followed = {
            topic
            for chat in chats.describe_slack_channel_configurations()["SlackChannelConfigurations"]
            for topic in chat["SnsTopicArns"]
        }
        assert followed == {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
        assert bool(followed) == name.startswith("bill")
        engine.destroy()
        assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
        assert sns.list_topics()["Topics"] == sns.list_subscriptions()["Subscriptions"] == []
        assert chats.describe_slack_channel_configurations()["SlackChannelConfigurations"] == []
        assert chats.list_microsoft_teams_channel_configurations()["TeamChannelConfigurations"] == []
        assert ec2.describe_launch_templates()["LaunchTemplates"] == []
        assert {
            interface["NetworkInterfaceId"] for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]
        } == before
        assert eks.list_clusters()["clusters"] == (["shared"] if name.startswith("existing cluster") else [])


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_other_partitions_are_refused_by_name(region: str) -> None:
    with pytest.raises(PlanRefused, match=rf"region: {region} is in .* where no stack was ever tried"):
        decide(read({**reachable("dev"), "region": region}, "dev"))
