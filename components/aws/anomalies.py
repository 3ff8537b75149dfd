"""`CostAnomalies`: a monitor of cost that is unlike the days before, and who is told of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning.model import AnomalyPlan, Tags


@dataclass(frozen=True)
class CostAnomaliesArgs:
    """`plan`: what is watched and from which amount on; `emails` and `topic_arn`: who is told."""

    plan: AnomalyPlan
    emails: tuple[str, ...]
    topic_arn: pulumi.Input[str] | None
    tags: Tags


def watched_tag(key: str, value: str) -> str:
    """The specification of a monitor of one tag, as the provider reads it back: with what it does not say as null.

    Written shorter, it differs from what is read after every update, and the provider makes another monitor in its
    place (terraform-provider-aws internal/service/ce/anomaly_monitor.go: ForceNew, and Read marshals the SDK's
    Expression, which leaves nothing out; its documentation's example is written so, too).
    """
    unsaid = dict.fromkeys(("And", "CostCategories", "Dimensions", "Not", "Or"))
    whole = {**unsaid, "Tags": {"Key": key, "MatchOptions": None, "Values": [value]}}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


class CostAnomalies(pulumi.ComponentResource):
    """AWS looks about three times a day, at costs that are up to a day old; it tells, it stops nothing."""

    def __init__(self, name: str, args: CostAnomaliesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:CostAnomalies", name, None, opts)
        self._name, self._args = name, args
        monitor = self._monitor()
        # AWS sends mails once a day or once a week, and to a topic at once: a subscription each
        # (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalySubscription.html).
        if args.emails:
            self._subscription("mails", monitor, "DAILY", "EMAIL", args.emails)
        if args.topic_arn is not None:
            self._subscription("topic", monitor, "IMMEDIATE", "SNS", (args.topic_arn,))
        self.register_outputs({"leastUsd": args.plan.least_usd})

    def _monitor(self) -> aws.costexplorer.AnomalyMonitor:
        tag = self._args.plan.tag
        watched = (
            {"monitor_type": "DIMENSIONAL", "monitor_dimension": "SERVICE"}
            if tag is None
            else {
                "monitor_type": "CUSTOM",
                "monitor_specification": watched_tag(*tag),
            }
        )
        return aws.costexplorer.AnomalyMonitor(
            f"{self._name}-monitor",
            **watched,
            tags=named(self._args.tags, f"{self._name}-monitor"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _subscription(
        self,
        suffix: str,
        monitor: aws.costexplorer.AnomalyMonitor,
        frequency: str,
        kind: str,
        addresses: Sequence[pulumi.Input[str]],
    ) -> None:
        least = aws.costexplorer.AnomalySubscriptionThresholdExpressionDimensionArgs(
            key="ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            match_options=["GREATER_THAN_OR_EQUAL"],
            values=[f"{self._args.plan.least_usd:.2f}"],
        )
        aws.costexplorer.AnomalySubscription(
            f"{self._name}-{suffix}",
            frequency=frequency,
            monitor_arn_lists=[monitor.arn],
            subscribers=[
                aws.costexplorer.AnomalySubscriptionSubscriberArgs(type=kind, address=address) for address in addresses
            ],
            threshold_expression=aws.costexplorer.AnomalySubscriptionThresholdExpressionArgs(dimension=least),
            tags=named(self._args.tags, f"{self._name}-{suffix}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
