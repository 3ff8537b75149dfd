"""What a destroyed stack left behind is found in the account, with the command that removes it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from preflight.account import AwsAccount, Unanswered
from preflight.left import as_text, left
from tests.preflight.accounts import account, own, planned

CLUSTER = "vllm-on-eks-dev"


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


def tags(**more: str) -> list[dict[str, str]]:
    every = {"project": "vllm-on-eks", "stack": "dev", **more}
    return [{"Key": key, "Value": value} for key, value in every.items()]


def test_an_account_where_nothing_is_left_says_so() -> None:
    with account() as aws:
        assert left(planned(own("dev")), aws) == ((), ())
    assert as_text("dev", (), ()) == ["dev: nothing is left over"]


def test_every_kind_of_leftover_is_named_and_other_peoples_things_are_not() -> None:
    with account() as aws:
        ec2, elb, logs = client("ec2"), client("elbv2"), client("logs")
        for volume_tags in (tags(), tags(stack="prod")):
            ec2.create_volume(
                AvailabilityZone="us-east-1a",
                Size=50,
                TagSpecifications=[{"ResourceType": "volume", "Tags": volume_tags}],
            )
        vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
                "SubnetId"
            ]
            for n, zone in enumerate("ab")
        ]
        own_tag = [{"Key": "cluster.k8s.amazonaws.com/name", "Value": CLUSTER}]
        interface = ec2.create_network_interface(SubnetId=subnets[0])["NetworkInterface"]["NetworkInterfaceId"]
        ec2.create_tags(Resources=[interface], Tags=own_tag)
        group = ec2.create_security_group(GroupName="k8s-elb", Description="x", VpcId=vpc)["GroupId"]
        ec2.create_tags(Resources=[group], Tags=[{"Key": f"kubernetes.io/cluster/{CLUSTER}", "Value": "owned"}])
        for name, cluster in (("ours", CLUSTER), ("theirs", "other")):
            elb.create_load_balancer(
                Name=name, Subnets=subnets, Tags=[{"Key": "elbv2.k8s.aws/cluster", "Value": cluster}]
            )
        logs.create_log_group(logGroupName=f"/aws/eks/{CLUSTER}/cluster")
        logs.create_log_group(logGroupName=f"/aws/eks/{CLUSTER}-2/cluster")
        volume_tags, unanswered = left(planned(own("dev")), aws)
        assert unanswered == ()
        assert [each.what.partition(" ")[0] for each in volume_tags] == ["volume", "network", "load", "security", "log"]
        for volume_tag in volume_tags:
            assert volume_tag.command.startswith("aws ")
            assert volume_tag.command.endswith("--region us-east-1")
        for volume_tag in volume_tags:  # the commands' own calls
            word = volume_tag.command.split()[-3]
            if "volume" in volume_tag.command:
                ec2.delete_volume(VolumeId=word)
            elif "network-interface" in volume_tag.command:
                ec2.delete_network_interface(NetworkInterfaceId=word)
            elif "elbv2" in volume_tag.command:
                elb.delete_load_balancer(LoadBalancerArn=word)
            elif "security-group" in volume_tag.command:
                ec2.delete_security_group(GroupId=word)
            else:
                logs.delete_log_group(logGroupName=word)
        assert left(planned(own("dev")), aws) == ((), ())


def test_what_aws_does_not_answer_is_said_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    original = AwsAccount.pages

    def denied(self: Any, service: str, *rest: Any, **given: Any) -> Any:
        if service == "elbv2":
            raise Unanswered("elbv2:DescribeLoadBalancers: AccessDenied")
        return original(self, service, *rest, **given)

    monkeypatch.setattr(AwsAccount, "pages", denied)
    with account() as aws:
        client("logs").create_log_group(logGroupName=f"/aws/eks/{CLUSTER}/cluster")
        left_behind, unanswered = left(planned(own("dev")), aws)
    assert len(left_behind) == 1
    assert unanswered == ("elbv2:DescribeLoadBalancers: AccessDenied",)
    assert as_text("dev", left_behind, unanswered)[-1] == "  not answered: elbv2:DescribeLoadBalancers: AccessDenied"
