"""What is left in the account of a stack that was destroyed, each with the command that removes it. Asks only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planning.model import CreateClusterPlan, StackPlan
from preflight.account import AwsAccount, Unanswered


@dataclass(frozen=True)
class Left:
    """One thing that is still there: what it is, who made it, and the command that removes it."""

    what: str
    made_by: str
    command: str


def left(plan: StackPlan, aws: AwsAccount) -> tuple[tuple[Left, ...], tuple[str, ...]]:
    """What is there, and what AWS did not answer. Ask when the destroy is through: before, everything is there."""
    left_behind: list[Left] = []
    open_: list[str] = []
    for look in (_volumes, _interfaces, _balancers, _groups, _logs):
        try:
            left_behind += look(plan, aws)
        except Unanswered as why:
            open_.append(str(why))
    return tuple(left_behind), tuple(open_)


def _volumes(plan: StackPlan, aws: AwsAccount) -> Iterator[Left]:
    """With the stack's tags (the CSI driver of a cluster of ours sets them) and attached to nothing."""
    tags = [{"Name": f"tag:{key}", "Values": [plan.tags[key]]} for key in ("project", "stack")]
    free = [{"Name": "status", "Values": ["available"]}]
    for volume in aws.pages("ec2", "describe_volumes", "Volumes", Filters=[*tags, *free]):
        claim = _tag(volume, "kubernetes.io/created-for/pvc/name") or "no claim"
        yield Left(
            f"volume {volume['VolumeId']}, {volume['Size']} GiB ({claim})",
            "the EBS CSI driver, which was gone before it could delete it",
            f"aws ec2 delete-volume --volume-id {volume['VolumeId']} --region {plan.region}",
        )


def _interfaces(plan: StackPlan, aws: AwsAccount) -> Iterator[Left]:
    """The VPC CNI's, detached: they hold their subnet and security group."""
    own = [{"Name": "tag:cluster.k8s.amazonaws.com/name", "Values": [plan.cluster.name]}]
    free = [{"Name": "status", "Values": ["available"]}]
    for interface in aws.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=[*own, *free]):
        name = interface["NetworkInterfaceId"]
        command = f"aws ec2 delete-network-interface --network-interface-id {name} --region {plan.region}"
        yield Left(
            f"network interface {name} in {interface['SubnetId']}", "the VPC CNI of a node that went first", command
        )


def _balancers(plan: StackPlan, aws: AwsAccount) -> Iterator[Left]:
    """Of Services and Ingresses: the gateway's, where its controller went first, and those made by hand."""
    balancers = aws.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    arns = [balancer["LoadBalancerArn"] for balancer in balancers]
    for first in range(0, len(arns), 20):  # as many as one call takes
        tags = aws.call("elbv2", "describe_tags", ResourceArns=arns[first : first + 20])["TagDescriptions"]
        for tag in tags:
            if _is_of_cluster(tag, plan.cluster.name):
                arn = tag["ResourceArn"]
                command = f"aws elbv2 delete-load-balancer --load-balancer-arn {arn} --region {plan.region}"
                yield Left(f"load balancer {arn}", "a Service or Ingress in the cluster", command)


def _groups(plan: StackPlan, aws: AwsAccount) -> Iterator[Left]:
    """Security groups of load balancers: they hold the VPC."""
    if not isinstance(plan.cluster, CreateClusterPlan):
        return
    own = [{"Name": f"tag:kubernetes.io/cluster/{plan.cluster.name}", "Values": ["owned"]}]
    for group in aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=own):
        name = group["GroupId"]
        command = f"aws ec2 delete-security-group --group-id {name} --region {plan.region}"
        yield Left(f"security group {name} ({group['GroupName']})", "EKS or a load balancer controller", command)


def _logs(plan: StackPlan, aws: AwsAccount) -> Iterator[Left]:
    name = f"/aws/eks/{plan.cluster.name}/cluster"
    if not isinstance(plan.cluster, CreateClusterPlan):
        return
    for group in aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name):
        if group["logGroupName"] == name:
            command = f"aws logs delete-log-group --log-group-name {name} --region {plan.region}"
            yield Left(f"log group {name}", "EKS, which makes it again for a deleted cluster's last lines", command)


def _is_of_cluster(described: Mapping[str, Any], cluster: str) -> bool:
    keys = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
    return keys.get("elbv2.k8s.aws/cluster") == cluster or f"kubernetes.io/cluster/{cluster}" in keys


def _tag(resource: Mapping[str, Any], key: str) -> str | None:
    return next((tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == key), None)


def as_text(stack: str, left_behind: tuple[Left, ...], unanswered: tuple[str, ...]) -> list[str]:
    """For people: what it is, and the command below it."""
    lines = [f"{stack}: {len(left_behind)} left over" if left_behind else f"{stack}: nothing is left over"]
    for left_one in left_behind:
        lines += [f"  {left_one.what}, made by {left_one.made_by}", f"    {left_one.command}"]
    return lines + [f"  not answered: {question}" for question in unanswered]
