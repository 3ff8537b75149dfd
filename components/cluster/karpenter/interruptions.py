"""`Interruptions`: a queue in which EC2's announcements about instances arrive for Karpenter."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster.karpenter.policies import queue_policy
from components.tags import named
from planning.model import Tags

# What the controller understands (pkg/controllers/interruption/messages of v1.14.0): name -> source and detail type.
ANNOUNCEMENTS = {
    "spot-interruption": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state-change": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation-interruption": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
    "health": ("aws.health", "AWS Health Event"),
}
# What is older than a spot instance's last two minutes is of no use.
RETENTION_SECONDS = 300


@dataclass(frozen=True)
class InterruptionsArgs:
    """`tags` of the stack."""

    tags: Tags


class Interruptions(pulumi.ComponentResource):
    """`queue_name` and `queue_arn` are there; `ready`: what a reader waits for, so that nothing is missed."""

    queue_name: pulumi.Output[str]
    queue_arn: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: InterruptionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Interruptions", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            f"{name}-queue",
            message_retention_seconds=RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=named(args.tags, f"{name}-queue"),
            opts=child,
        )
        rules = {what: self._rule(f"{name}-{what}", what, args.tags) for what in ANNOUNCEMENTS}
        policy = aws.sqs.QueuePolicy(
            f"{name}-queue-policy",
            queue_url=queue.url,
            policy=pulumi.Output.all(queue.arn, *[rule.arn for rule in rules.values()]).apply(
                lambda arns: queue_policy(arns[0], arns[1:])
            ),
            opts=child,
        )
        targets = [
            aws.cloudwatch.EventTarget(
                f"{name}-{what}-target",
                rule=rule.name,
                target_id="karpenter",
                arn=queue.arn,
                # Hidden ordering: EventBridge drops in silence what the queue's policy does not let in.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
            for what, rule in rules.items()
        ]
        self.queue_name, self.queue_arn, self.ready = queue.name, queue.arn, tuple(targets)
        self.register_outputs({"queueName": self.queue_name, "queueArn": self.queue_arn})

    def _rule(self, name: str, what: str, tags: Tags) -> aws.cloudwatch.EventRule:
        source, detail_type = ANNOUNCEMENTS[what]
        return aws.cloudwatch.EventRule(
            f"{name}-rule",
            description=f"{detail_type}, for Karpenter",
            event_pattern=json.dumps({"source": [source], "detail-type": [detail_type]}),
            tags=named(tags, f"{name}-rule"),
            opts=pulumi.ResourceOptions(parent=self),
        )
