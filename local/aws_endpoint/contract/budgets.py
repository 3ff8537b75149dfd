"""AWS Budgets: how many notices a budget has, and how many each tells."""

from __future__ import annotations

from local.aws_endpoint.contract.rule import ContractRule
from local.aws_endpoint.contract.sources import budgets_api

_CREATE = ("budgets:CreateBudget",)

RULES = (
    ContractRule(
        id="budget-notices",
        operations=_CREATE,
        condition="more than five notices",
        code="CreationLimitExceededException",
        words="You've exceeded the notification limit. You can have up to 5 notifications per budget.",
        source=budgets_api("CreateBudget"),
        check="length(not_null(NotificationsWithSubscribers, `[]`)) > `5`",
    ),
    ContractRule(
        id="budget-subscribers",
        operations=_CREATE,
        condition="a notice with more than ten mail addresses or more than one SNS topic",
        code="CreationLimitExceededException",
        words="You've exceeded the subscriber limit. A notification has up to 10 email and 1 SNS subscribers.",
        source=budgets_api("CreateBudget"),
        check="length(not_null(NotificationsWithSubscribers, `[]`)[?length(Subscribers[?SubscriptionType=='SNS']) > `1`"
        " || length(Subscribers[?SubscriptionType=='EMAIL']) > `10`]) > `0`",
    ),
)
