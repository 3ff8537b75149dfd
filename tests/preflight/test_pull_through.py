"""Rules and secrets of the pull-through cache, asked of ECR and Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from planning.model import StackPlan
from preflight.model import PreflightReport, Verdict
from tests.preflight.accounts import account, asked, only, own, planned


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


SECRET = "ecr-pullthroughcache/docker-hub"


def plan(arn: str | None = None) -> StackPlan:
    """A stack with a rule for quay.io, and one for Docker Hub with that credential."""
    upstreams: list[dict[str, Any]] = [{"registry": "quay.io"}]
    if arn:
        upstreams.append({"registry": "docker.io", "credentialArn": arn})
    sections = own("dev")
    registry = {"pullThrough": {"prefix": "dev", "upstreams": upstreams}}
    return planned({**sections, "account": "123456789012", "registry": registry})


def rule(url: str) -> None:
    client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="dev/quay", upstreamRegistryUrl=url)


def cluster(name: str) -> None:
    """One of that name, in subnets of its own."""
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    ids = {"subnetIds": [subnet["SubnetId"] for subnet in subnets]}
    client("eks").create_cluster(name=name, roleArn=role, version="1.35", resourcesVpcConfig=ids)


def wrong(report: PreflightReport) -> list[tuple[str, str]]:
    return [(each.path, each.text) for each in report.of(Verdict.ERROR) if each.question == "pull-through"]


def test_a_prefix_without_a_rule_is_free() -> None:
    with account() as aws:
        report = asked(plan(), aws)
    assert only(report, "pull-through", Verdict.OK).text == "ECR has no rule yet for dev/quay"


def test_a_prefix_that_another_stack_has_a_rule_for_is_told_before_up() -> None:
    with account() as aws:
        rule("quay.io")
        report = asked(plan(), aws)
    ((path, text),) = wrong(report)
    assert path == "registry.pullThrough.prefix"
    assert "has a rule with the prefix dev/quay already, for quay.io" in text
    assert "write another prefix" in text


@pytest.mark.parametrize(("url", "errors"), [("quay.io", 0), ("registry.k8s.io", 1)])
def test_a_rule_of_the_same_registry_is_the_stacks_own_once_its_cluster_is_there(url: str, errors: int) -> None:
    stack = plan()
    with account() as aws:
        rule(url)
        cluster(stack.cluster.name)
        report = asked(stack, aws)
    assert len(wrong(report)) == errors


def test_a_credential_is_found_and_its_value_is_not_read() -> None:
    with account() as aws:
        made = client("secretsmanager").create_secret(Name=SECRET, SecretString="canary-hub-4712")
        report = asked(plan(made["ARN"]), aws)
    told = {each.text for each in report.of(Verdict.OK) if each.question == "pull-through"}
    assert told == {"ECR has no rule yet for dev/quay, dev/docker-hub", f"{SECRET} is there"}
    assert "canary" not in str(report)


def test_a_credential_that_is_not_there_or_leaves_is_told_by_its_arn() -> None:
    with account() as aws:
        made = client("secretsmanager").create_secret(Name=SECRET, SecretString="x")
        missing = made["ARN"].replace("docker-hub", "no-hub")
        report = asked(plan(missing), aws)
        client("secretsmanager").delete_secret(SecretId=SECRET)
        leaving = asked(plan(made["ARN"]), aws)
    ((path, text),) = wrong(report)
    assert path == "registry.pullThrough.upstreams[1].credentialArn"
    assert f"there is no secret {missing}" in text
    ((_, text),) = wrong(leaving)
    assert f"restore-secret --secret-id {made['ARN']}" in text
