"""`SpendingBudget`: an AWS Budget over what carries the stack's tags, and who is told before the ceiling is spent."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning.model import SpendingPlan, Tags


@dataclass(frozen=True)
class SpendingBudgetArgs:
    """`plan`: the limit of a month and who is told at which share of it. `topic_arn`: where Budgets may publish."""

    plan: SpendingPlan
    topic_arn: pulumi.Input[str] | None
    tags: Tags


class SpendingBudget(pulumi.ComponentResource):
    """AWS looks at the bill a few times a day: it tells, it stops nothing."""

    def __init__(self, name: str, args: SpendingBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:SpendingBudget", name, None, opts)
        plan = args.plan
        steps = [("ACTUAL", percent) for percent in plan.at_percent]
        steps += [("FORECASTED", 100)] if plan.forecast else []
        aws.budgets.Budget(
            f"{name}-budget",
            budget_type="COST",
            limit_amount=f"{plan.usd_per_month:.2f}",
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[aws.budgets.BudgetCostFilterArgs(name="TagKeyValue", values=list(plan.tag_filters))],
            notifications=[
                aws.budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_email_addresses=list(plan.emails) or None,
                    subscriber_sns_topic_arns=[args.topic_arn] if args.topic_arn is not None else None,
                )
                for kind, percent in steps
            ],
            tags=named(args.tags, f"{name}-budget"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"usdPerMonth": plan.usd_per_month})
