"""IAM documents of Karpenter's controller, and of the queue that tells it of interruptions. Pure; goldens in
tests/components/goldens/iam.

Actions and conditions are those of Karpenter 1.14's own (aws/karpenter-provider-aws v1.14.0, getting-started
cloudformation.yaml), less what this stack does itself: it makes no instance profile (the stack has one for the node
role), and it is told of nothing but its own queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.aws.iam import EC2_SERVICES, document

Statement = dict[str, Any]
NODEPOOL = "karpenter.sh/nodepool"
_LAUNCHED = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_READ = (
    *("CapacityReservations", "Images", "Instances", "InstanceStatus", "InstanceTypeOfferings", "InstanceTypes"),
    *("LaunchTemplates", "PlacementGroups", "SecurityGroups", "SpotPriceHistory", "Subnets"),
)


@dataclass(frozen=True)
class AccountPlace:
    """Where the controller works; `spot`: whether it may buy spot nodes."""

    partition: str
    region: str
    cluster_name: str
    spot: bool

    def ec2(self, kinds: Sequence[str], account: str = "*") -> list[str]:
        """ARNs of EC2's resources of these kinds in the region."""
        return [f"arn:{self.partition}:ec2:{self.region}:{account}:{kind}/*" for kind in kinds]

    @property
    def owned(self) -> str:
        """The tag by which the cluster's nodes are known."""
        return f"kubernetes.io/cluster/{self.cluster_name}"


def launching(place: AccountPlace) -> str:
    """Launching, tagging and ending instances and launch templates of this cluster's NodePools, and no others."""
    ours = {
        "StringEquals": {f"aws:ResourceTag/{place.owned}": "owned"},
        "StringLike": {f"aws:ResourceTag/{NODEPOOL}": "*"},
    }
    asked = {
        "StringEquals": {
            f"aws:RequestTag/{place.owned}": "owned",
            "aws:RequestTag/eks:eks-cluster-name": place.cluster_name,
        },
        "StringLike": {f"aws:RequestTag/{NODEPOOL}": "*"},
    }
    created = {**asked["StringEquals"], "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    launch = ["ec2:RunInstances", "ec2:CreateFleet"]
    statements = [
        _allow(
            "LaunchFrom",
            launch,
            [
                *place.ec2(("image", "snapshot"), account=""),
                *place.ec2(("security-group", "subnet", "capacity-reservation", "placement-group")),
            ],
        ),
        _allow("LaunchByOwnTemplates", launch, place.ec2(("launch-template",)), ours),
        _allow("LaunchTagged", [*launch, "ec2:CreateLaunchTemplate"], place.ec2(_LAUNCHED), asked),
        _allow("TagAtLaunch", ["ec2:CreateTags"], place.ec2(_LAUNCHED), {**asked, "StringEquals": created}),
        _allow(
            "NameOwnInstances",
            ["ec2:CreateTags"],
            place.ec2(("instance",)),
            {
                **ours,
                "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": place.cluster_name},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
        _allow(
            "EndOwn",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            place.ec2(("instance", "launch-template")),
            ours,
        ),
    ]
    return document(*statements, *([_spot_role()] if place.spot else []))


def _spot_role() -> Statement:
    """EC2 makes its role for spot with the account's first spot request, by the rights of who asks."""
    condition = {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}
    roles = ["arn:*:iam::*:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"]
    return _allow("RoleOfSpot", ["iam:CreateServiceLinkedRole"], roles, condition)


def looking(place: AccountPlace) -> str:
    """What there is in the region, what it costs, and where the API server is. Describing knows no resources."""
    here = {"StringEquals": {"aws:RequestedRegion": place.region}}
    cluster = f"arn:{place.partition}:eks:{place.region}:*:cluster/{place.cluster_name}"
    parameters = f"arn:{place.partition}:ssm:{place.region}::parameter/aws/service/*"
    return document(
        _allow("LookAtRegion", [f"ec2:Describe{what}" for what in _READ], ["*"], here),
        _allow("LookAtImages", ["ssm:GetParameter"], [parameters]),
        _allow("LookAtPrices", ["pricing:GetProducts"], ["*"]),
        _allow("LookAtProfiles", ["iam:ListInstanceProfiles"], ["*"]),
        _allow("LookAtCluster", ["eks:DescribeCluster"], [cluster]),
    )


def passing(place: AccountPlace, node_role_arn: str, profile_arn: str, queue_arn: str) -> str:
    """Giving nodes their role, and hearing of interruptions."""
    services = sorted({"ec2.amazonaws.com", EC2_SERVICES.get(place.partition, "ec2.amazonaws.com")})
    to_ec2 = {"StringEquals": {"iam:PassedToService": services}}
    return document(
        _allow("PassNodeRole", ["iam:PassRole"], [node_role_arn], to_ec2),
        # The second: when an EC2NodeClass goes, it looks for the profile that older versions would have made for it
        # (v1.14.0, pkg/controllers/nodeclass). "Access denied" is no "not there": its finalizer would stay forever.
        _allow(
            "LookAtProfile",
            ["iam:GetInstanceProfile"],
            [profile_arn, f"arn:{place.partition}:iam::*:instance-profile/{place.cluster_name}_*"],
        ),
        _allow("HearOfInterruptions", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], [queue_arn]),
    )


def queue_policy(queue_arn: str, rule_arns: Sequence[str]) -> str:
    """EventBridge may write what these rules match; requests without TLS are denied."""
    return document(
        {
            "Sid": "EventsOfOwnRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
        },
        {
            "Sid": "OnlyWithTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def _allow(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement
