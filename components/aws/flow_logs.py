"""`FlowLogs`: rejected traffic of a VPC in CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.tags import named
from planning.model import Tags

RETENTION_DAYS = 30
AGGREGATION_SECONDS = 600


@dataclass(frozen=True)
class FlowLogsArgs:
    """`vpc_id`: whose traffic."""

    vpc_id: pulumi.Input[str]
    tags: Tags


class FlowLogs(pulumi.ComponentResource):
    """Rejects only: they show what security groups and network ACLs turn away, at a hundredth of the volume."""

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            retention_in_days=RETENTION_DAYS,
            tags=named(args.tags, f"{name}-log-group"),
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            description="Writes VPC flow logs to CloudWatch",
            assume_role_policy=iam.flow_logs_trust(),
            tags=named(args.tags, f"{name}-role"),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy", role=role.name, policy=group.arn.apply(iam.flow_logs_policy), opts=child
        )
        aws.ec2.FlowLog(
            f"{name}-flow-log",
            vpc_id=args.vpc_id,
            traffic_type="REJECT",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=AGGREGATION_SECONDS,
            tags=named(args.tags, f"{name}-flow-log"),
            # The role's policy is not in the flow log's properties, but delivery fails until it is there.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"logGroup": group.name})
