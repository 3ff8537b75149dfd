"""A small account in moto with a network, roles, a cluster and a node group, for calls that break the contract."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from local.aws_endpoint.contract.account import Account, use
from local.aws_endpoint.contract.gate import judge
from local.aws_endpoint.contract.rule import Asked
from local.aws_endpoint.contract.world import AccountWorld
from local.aws_endpoint.extension import install_extension
from tests.local.aws.needs import trust

ACCOUNT = "123456789012"
_SERVICES = (
    "budgets",
    "ce",
    "acm",
    "chatbot",
    "ecr",
    "sns",
    "ec2",
    "efs",
    "eks",
    "elbv2",
    "iam",
    "logs",
    "kms",
    "route53",
    "sts",
    "events",
    "sqs",
    "ssm",
)
_NUMBERS = itertools.count(1)
# The endpoint judges, not the client.
_AS_WRITTEN = Config(parameter_validation=False)


@functools.cache
def client_as_written(service: str, region: str) -> Any:
    """Making one costs more than what a test does with it."""
    return boto3.client(service, region_name=region, config=_AS_WRITTEN)


def new_name(kind: str = "x") -> str:
    return f"{kind}-{next(_NUMBERS)}"


@dataclass
class Land:
    """Clients by service and what stands there already: `subnets` with a way out, `shut` without."""

    region: str
    account: Account
    vpc: str = ""
    subnets: list[str] = field(default_factory=list)
    shut: str = ""
    nat: str = ""
    table: str = ""
    role: str = ""
    stranger: str = ""

    def __getattr__(self, service: str) -> Any:
        if service.startswith("_") or service not in _SERVICES:
            raise AttributeError(service)
        return client_as_written(service, self.region)

    @property
    def world(self) -> AccountWorld:
        return AccountWorld(ACCOUNT, self.region, "aws-us-gov" if self.region.startswith("us-gov") else "aws")

    def subnet(self, zone: str, number: int, vpc: str | None = None) -> str:
        made = self.ec2.create_subnet(
            VpcId=vpc or self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{self.region}{zone}"
        )
        return str(made["Subnet"]["SubnetId"])

    def cluster(self, **more: Any) -> str:
        name = more.pop("name", None) or new_name("cluster")
        vpc = {"subnetIds": self.subnets, **more.pop("vpc", {})}
        arguments = {"accessConfig": {"authenticationMode": "API"}, "roleArn": self.role, **more}
        self.eks.create_cluster(name=name, resourcesVpcConfig=vpc, **arguments)
        return str(name)

    def group(self, cluster: str, **more: Any) -> str:
        name = more.pop("nodegroupName", None) or new_name("group")
        arguments = {
            "nodeRole": self.role,
            "subnets": self.subnets,
            "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
            "instanceTypes": ["m7i.large"],
            **more,
        }
        self.eks.create_nodegroup(clusterName=cluster, nodegroupName=name, **arguments)
        return str(name)

    def template(self, **data: Any) -> str:
        made = self.ec2.create_launch_template(LaunchTemplateName=new_name("template"), LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def described(self, cluster: str, group: str) -> Any:
        return self.eks.describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]

    def inside(self, operation: str, cluster: str, **given: Any) -> None:
        """A call of the cluster's own API, as the replay makes it."""
        for each in ("kubernetes:*", operation):
            judge(Asked(each, {"clusterName": cluster, **given}, self.world, self.account))


@contextmanager
def land(account: Account | None = None, region: str = "us-east-1") -> Iterator[Land]:
    """An account of its own for the block."""
    patch = pytest.MonkeyPatch()
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    install_extension()
    try:
        with mock_aws(), use(account or Account()) as played:
            yield settled(Land(region, played))
    finally:
        patch.undo()


def settled(here: Land) -> Land:
    here.vpc = here.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"][-1] for zone in here.ec2.describe_availability_zones()["AvailabilityZones"]]
    here.subnets = [here.subnet(zone, number) for number, zone in enumerate(zones[1:3])]
    here.shut = here.subnet(zones[1], 9)
    public = here.subnet(zones[1], 8)
    igw = here.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    here.ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=here.vpc)
    address = here.ec2.allocate_address(Domain="vpc")["AllocationId"]
    for subnets, target in (([public], "igw"), (here.subnets, "nat")):
        table = here.ec2.create_route_table(VpcId=here.vpc)["RouteTable"]["RouteTableId"]
        for subnet in subnets:
            here.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        if target == "nat":
            nat = here.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
            here.nat, here.table = nat, table
            here.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        else:
            here.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    services = [f"{each}.amazonaws.com" for each in ("eks", "ec2", "pods.eks")]
    for name, document in (("all", trust(*services)), ("none", trust("lambda.amazonaws.com"))):
        made = here.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        here.role, here.stranger = (made, here.stranger) if name == "all" else (here.role, made)
    return here
