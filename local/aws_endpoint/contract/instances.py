"""Instances that a controller launches itself: fleets, images, prices, announcements, and how one becomes a node."""

from __future__ import annotations

from local.aws_endpoint.contract.rule import MOTO, ContractRule
from local.aws_endpoint.contract.sources import ec2_api, guide, iam_api, issue

_FLEET = ("ec2:CreateFleet",)
_FLEETS = "local/aws_endpoint/fleets.py"
_EVENTS = "local/aws_endpoint/instance_events.py"
_GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
_KARPENTER = "https://github.com/aws/karpenter-provider-aws/blob/v1.14.0/pkg"

RULES = (
    ContractRule(
        id="fleet-template",
        operations=_FLEET,
        condition="a launch template is not there",
        code="InvalidLaunchTemplateName.NotFoundException",
        words="At least one of the launch templates specified in the request does not exist.",
        source=f"{ec2_api('CreateFleet')}; {_KARPENTER}/errors/errors.go",
        by=MOTO,
    ),
    ContractRule(
        id="fleet-dry-run",
        operations=_FLEET,
        condition="DryRun, and nothing is wrong",
        code="DryRunOperation",
        words="Request would have succeeded, but DryRun flag is set",
        source=ec2_api("CreateFleet"),
        by=_FLEETS,
    ),
    ContractRule(
        id="fleet-instant",
        operations=_FLEET,
        condition="type instant: the answer holds the instances, launched by template and override (image, subnet, "
        "groups, profile, user data, disks, tags): the cheapest override with capacity, or the first by priority where "
        "the strategy says so. EC2's knowledge of its own pools is not played",
        source=f"{ec2_api('CreateFleet')}; {_GUIDE}ec2-fleet-allocation-strategy.html",
        by=_FLEETS,
    ),
    ContractRule(
        id="fleet-sold-out",
        operations=_FLEET,
        condition="an offering (type, zone, spot or on-demand) that is sold out: InsufficientInstanceCapacity among "
        "the answer's Errors, and the next override is launched; which ones are sold out is set by hand "
        "(local/aws_endpoint/switches.py)",
        source=f"{_GUIDE}troubleshooting-launch.html; {issue('kubernetes-sigs/karpenter', 2275)}",
        by=_FLEETS,
    ),
    ContractRule(
        id="fleet-quota",
        operations=_FLEET,
        condition="a launch over the vCPU quota of its family: VcpuLimitExceeded, or MaxSpotInstanceCountExceeded, "
        "among the answer's Errors; instances and node groups count together",
        source=f"{issue('firesim/firesim', 410)}; {issue('aws/karpenter-provider-aws', 1556)}",
        by=_FLEETS,
    ),
    ContractRule(
        id="fleet-profile",
        operations=_FLEET,
        condition="the template's instance profile is not there: InvalidParameterValue among the answer's Errors, and "
        "nothing is launched",
        source=f"{_KARPENTER}/errors/errors.go (the words are AWS' as quoted there)",
        by=_FLEETS,
    ),
    ContractRule(
        id="images-of-parameters",
        operations=("ec2:DescribeImages",),
        condition="the image that an EKS AMI parameter names is there, with owner, architecture and day",
        source=f"{guide('retrieve-ami-id')}; {_KARPENTER}/providers/amifamily/ami.go",
        by="local/aws_endpoint/images.py",
    ),
    ContractRule(
        id="instance-ends",
        operations=("ec2:TerminateInstances",),
        condition="its interfaces and disks go with it, and its states are announced through EventBridge",
        source=f"{_GUIDE}instance-state-changes.html",
        by=_EVENTS,
    ),
    ContractRule(
        id="spot-taken-back",
        operations=("ec2:*",),
        condition="a spot instance that is taken back (by hand, local/aws_endpoint/switches.py) is warned of through "
        "EventBridge two minutes before it ends",
        source=f"{_GUIDE}spot-instance-termination-notices.html",
        by=_EVENTS,
    ),
    ContractRule(
        id="spot-prices",
        operations=("ec2:DescribeSpotPriceHistory",),
        condition="the middle of what planning/facts/spot.csv saw, of types that have a price; no other offering is "
        "listed",
        source=ec2_api("DescribeSpotPriceHistory"),
        by="local/aws_endpoint/price_list.py",
    ),
    ContractRule(
        id="price-list",
        operations=("pricing:GetProducts",),
        condition="on-demand prices of planning/facts/prices.csv, the same in every region",
        source="https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html",
        by="local/aws_endpoint/price_list.py",
    ),
    ContractRule(
        id="profiles-path",
        operations=("iam:ListInstanceProfiles",),
        condition="PathPrefix: only profiles below it (a controller that deletes what it finds would take others')",
        source=iam_api("ListInstanceProfiles"),
        by="local/aws_endpoint/other_gaps.py",
    ),
)
