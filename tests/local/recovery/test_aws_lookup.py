"""What a killed update made is found in AWS by its tags, or by what it connects. Against moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from local.recovery.aws_lookup import EC2_BY_TAGS, OTHERS, find
from local.recovery.interrupted import AWS_IDS
from tests.conftest import REPO

REGION = "us-east-1"
TAGS = {"project": "vllm-on-eks", "stack": "dev", "Name": "network-vpc"}
# Made again it is the same: an attachment to a role, say. Everything else of ours must be findable.
GOLDENS = ("dev", "local", "prod")


def client(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region, aws_access_key_id="local", aws_secret_access_key="local")


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield client("ec2", REGION)


def specification(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def vpc(ec2: Any, tags: dict[str, str]) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification("vpc", tags))["Vpc"]["VpcId"])


def resource(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::p::{kind}::x", "type": kind, "inputs": inputs}


def test_a_vpc_is_found_by_all_its_tags_and_another_stacks_is_not(ec2: Any) -> None:
    wanted = resource("aws:ec2/vpc:Vpc", tags=TAGS)
    vpc(ec2, {**TAGS, "stack": "prod"})
    assert find(wanted, REGION, client) == []
    made = vpc(ec2, {**TAGS, "more": "x"})
    assert find(wanted, REGION, client) == [made]
    assert find(resource("aws:ec2/vpc:Vpc", tags={"stack": "dev"}), REGION, client) == [], "no Name: anybody's"


def test_a_nat_gateway_that_is_gone_is_not_found(ec2: Any) -> None:
    subnet = ec2.create_subnet(VpcId=vpc(ec2, TAGS), CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    tags = specification("natgateway", TAGS)
    made = ec2.create_nat_gateway(SubnetId=subnet, TagSpecifications=tags)["NatGateway"]["NatGatewayId"]
    wanted = resource("aws:ec2/natGateway:NatGateway", tags=TAGS)
    assert find(wanted, REGION, client) == [made]
    ec2.delete_nat_gateway(NatGatewayId=made)
    assert find(wanted, REGION, client) == []


def test_an_association_is_found_by_what_it_connects(ec2: Any) -> None:
    network = vpc(ec2, TAGS)
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    kind = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    wanted = resource(kind, routeTableId=table, subnetId=subnet)
    assert find(wanted, REGION, client) == []
    made = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert find(wanted, REGION, client) == [made]


def test_the_default_security_group_is_the_vpcs_own(ec2: Any) -> None:
    network = vpc(ec2, TAGS)
    (group,) = find(resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId=network), REGION, client)
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"] == network


def test_a_key_is_found_by_its_tags_unless_it_is_being_deleted(ec2: Any) -> None:
    kms = client("kms", REGION)
    tags = [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()]
    made = [kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"] for _ in range(2)]
    kms.schedule_key_deletion(KeyId=made[0], PendingWindowInDays=7)
    assert find(resource("aws:kms/key:Key", tags=TAGS), REGION, client) == [made[1]]


def test_a_pod_identity_is_found_by_its_service_account_and_is_gone_with_its_cluster() -> None:
    place = {"clusterName": "main", "namespace": "kube-system", "serviceAccount": "cluster-autoscaler"}
    wanted = resource("aws:eks/podIdentityAssociation:PodIdentityAssociation", **place, roleArn="arn:aws:iam::1:role/x")
    eks = client("eks", REGION)
    with Stubber(eks) as answers:
        answers.add_response("list_pod_identity_associations", {"associations": [{"associationId": "a-1"}]}, place)
        answers.add_client_error("list_pod_identity_associations", "ResourceNotFoundException", expected_params=place)
        assert find(wanted, REGION, lambda service, region: eks) == ["a-1"]
        assert find(wanted, REGION, lambda service, region: eks) == []


def test_an_unknown_type_is_refused(ec2: Any) -> None:
    with pytest.raises(LookupError, match="FileSystem"):
        find(resource("aws:efs/fileSystem:FileSystem"), REGION, client)


def test_every_aws_resource_of_our_stacks_can_be_found_again() -> None:
    kinds = {
        line.split()[0]
        for stack in GOLDENS
        for line in (REPO / "tests" / "goldens" / f"{stack}.resources.txt").read_text().splitlines()
        if line.startswith("aws:")
    }
    assert len(kinds) > 15
    assert kinds - EC2_BY_TAGS.keys() - OTHERS.keys() - AWS_IDS.keys() == set()


def test_every_type_that_is_found_by_tags_is_asked_for_by_a_call_that_there_is(ec2: Any) -> None:
    for row in EC2_BY_TAGS.values():
        assert row.rows in getattr(ec2, row.operation)()
