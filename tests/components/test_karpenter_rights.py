"""What the controller's role lets it do, call by call, and what of others it cannot touch: IAM's rules, evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.cluster.karpenter import policies
from local.aws_endpoint.contract.permitted import PermissionNeed, allows

PLACE = policies.AccountPlace("aws", "eu-central-1", "main", spot=True)
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/node-role-role-1a2b3c4"
PROFILE = f"arn:aws:iam::{ACCOUNT}:instance-profile/karpenter-node-profile-1a2b3c4"
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:karpenter-interruptions-queue-1a2b3c4"
WHOLE: Mapping[str, Any] = {
    "Statement": [
        statement
        for text in (policies.launching(PLACE), policies.looking(PLACE), policies.passing(PLACE, ROLE, PROFILE, QUEUE))
        for statement in json.loads(text)["Statement"]
    ]
}
OWN = {"kubernetes.io/cluster/main": "owned", "eks:eks-cluster-name": "main", "karpenter.sh/nodepool": "l4"}
OTHERS = {"kubernetes.io/cluster/other": "owned", "eks:eks-cluster-name": "other", "karpenter.sh/nodepool": "l4"}
HERE = {"aws:RequestedRegion": "eu-central-1"}


def ec2(kind: str, account: str = ACCOUNT, region: str = "eu-central-1") -> str:
    return f"arn:aws:ec2:{region}:{account}:{kind}/x-0123"


def asked(tags: Mapping[str, str]) -> dict[str, str]:
    return {**HERE, **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def there(tags: Mapping[str, str]) -> dict[str, str]:
    return {**HERE, **{f"aws:ResourceTag/{key}": value for key, value in tags.items()}}


# What one launch, one look-around and one termination ask of IAM (pkg/providers of karpenter-provider-aws v1.14).
ALLOWED: list[tuple[str, str, dict[str, str]]] = [
    *[("ec2:CreateFleet", ec2(kind, account=""), HERE) for kind in ("image", "snapshot")],
    *[("ec2:CreateFleet", ec2(kind), HERE) for kind in ("subnet", "security-group", "capacity-reservation")],
    *[("ec2:CreateFleet", ec2(kind), asked(OWN)) for kind in ("fleet", "instance", "volume", "network-interface")],
    ("ec2:CreateFleet", ec2("spot-instances-request"), asked(OWN)),
    ("ec2:CreateFleet", ec2("launch-template"), there(OWN)),
    ("ec2:RunInstances", ec2("launch-template"), there(OWN)),
    ("ec2:CreateLaunchTemplate", ec2("launch-template"), asked(OWN)),
    ("ec2:CreateTags", ec2("instance"), {**asked(OWN), "ec2:CreateAction": "CreateFleet"}),
    ("ec2:CreateTags", ec2("launch-template"), {**asked(OWN), "ec2:CreateAction": "CreateLaunchTemplate"}),
    ("ec2:CreateTags", ec2("instance"), {**there(OWN), "aws:TagKeys": "Name,karpenter.sh/nodeclaim"}),
    ("ec2:TerminateInstances", ec2("instance"), there(OWN)),
    ("ec2:DeleteLaunchTemplate", ec2("launch-template"), there(OWN)),
    *[(f"ec2:Describe{what}", "*", HERE) for what in ("Instances", "InstanceTypes", "Subnets", "Images")],
    ("ssm:GetParameter", "arn:aws:ssm:eu-central-1::parameter/aws/service/eks/optimized-ami/1.35/x", HERE),
    ("pricing:GetProducts", "*", {"aws:RequestedRegion": "us-east-1"}),  # prices are told in few regions
    ("eks:DescribeCluster", f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/main", HERE),
    ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("iam:GetInstanceProfile", PROFILE, {}),
    ("iam:GetInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/main_8666988932484331207", {}),  # at the end
    *[(f"sqs:{what}", QUEUE, HERE) for what in ("ReceiveMessage", "DeleteMessage", "GetQueueUrl")],
    (
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
        {"iam:AWSServiceName": "spot.amazonaws.com"},
    ),
]
DENIED: list[tuple[str, str, dict[str, str]]] = [
    *[(action, ec2("instance"), there(OTHERS)) for action in ("ec2:TerminateInstances", "ec2:CreateTags")],
    ("ec2:TerminateInstances", ec2("instance"), HERE),  # somebody's own, with no tags
    ("ec2:TerminateInstances", ec2("instance"), there({"kubernetes.io/cluster/main": "owned"})),  # a managed group's
    ("ec2:TerminateInstances", ec2("instance", region="us-east-1"), there(OWN)),
    ("ec2:DeleteLaunchTemplate", ec2("launch-template"), there(OTHERS)),
    ("ec2:RunInstances", ec2("launch-template"), there(OTHERS)),
    ("ec2:CreateFleet", ec2("instance"), asked(OTHERS)),
    ("ec2:CreateFleet", ec2("instance"), HERE),
    ("ec2:CreateTags", ec2("instance"), asked(OWN)),  # of what was there before
    ("ec2:CreateTags", ec2("instance"), {**there(OWN), "aws:TagKeys": "Name,kubernetes.io/cluster/other"}),
    ("ec2:DescribeInstances", "*", {"aws:RequestedRegion": "us-east-1"}),
    ("eks:DescribeCluster", f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/other", HERE),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    ("iam:CreateInstanceProfile", PROFILE, {}),
    ("iam:CreateServiceLinkedRole", "*", {"iam:AWSServiceName": "autoscaling.amazonaws.com"}),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:orders", HERE),
    ("sqs:SendMessage", QUEUE, HERE),
    ("ssm:GetParameter", f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/database/password", HERE),
    ("iam:GetInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/other_1", {}),
]


@pytest.mark.parametrize(("action", "resource", "values"), ALLOWED)
def test_what_a_launch_a_look_and_an_end_take_is_allowed(action: str, resource: str, values: dict[str, str]) -> None:
    assert allows(WHOLE, PermissionNeed(action, resource, values))


@pytest.mark.parametrize(("action", "resource", "values"), DENIED)
def test_what_is_anothers_is_out_of_reach(action: str, resource: str, values: dict[str, str]) -> None:
    assert not allows(WHOLE, PermissionNeed(action, resource, values))


def test_every_action_that_the_role_has_is_taken_by_a_call_of_the_controller() -> None:
    """So rights that nobody uses do not gather; describing is one family."""
    have = {action for statement in WHOLE["Statement"] for action in statement["Action"]}
    used = {action for action, _, _ in ALLOWED} | {"iam:ListInstanceProfiles"}  # its clean-up looks for its own
    assert {action for action in have - used if not action.startswith("ec2:Describe")} == set()
