"""AWS Budgets: changes, subscribers and tags, which moto's budgets lack.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

_TAGS = "local_tags"


def install() -> None:
    """Patches moto's classes; once per process."""
    original = BudgetsResponse.create_budget

    def create_budget(self: Any) -> str:
        answer: str = original(self)
        budget = _budget(self, self._get_param("AccountId"), self._get_param("Budget")["BudgetName"])
        setattr(budget, _TAGS, {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])})
        return answer

    BudgetsResponse.create_budget = create_budget
    for name, function in {
        "update_budget": _update_budget,
        "describe_subscribers_for_notification": _describe_subscribers,
        "list_tags_for_resource": _list_tags,
        "tag_resource": _tag,
        "untag_resource": _untag,
    }.items():
        setattr(BudgetsResponse, name, function)


def _budget(response: Any, account_id: str, name: str) -> Budget:
    budget: Budget | None = response.backend.budgets[account_id].get(name)
    if budget is None:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budget


def _of_arn(response: Any) -> Budget:
    arn = str(response._get_param("ResourceARN"))
    return _budget(response, arn.split(":")[4], arn.split(":budget/", 1)[-1])


def _update_budget(response: Any) -> str:
    new = response._get_param("NewBudget")
    budget = _budget(response, response._get_param("AccountId"), new["BudgetName"])
    budget.budget = {"TimePeriod": budget.budget["TimePeriod"], **new}
    return json.dumps({})


def _describe_subscribers(response: Any) -> str:
    budget = _budget(response, response._get_param("AccountId"), response._get_param("BudgetName"))
    asked_for = response._get_param("Notification")
    for notification in budget.notifications:
        if all(notification.details.get(key) == value for key, value in asked_for.items()):
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")


def _list_tags(response: Any) -> str:
    tags = getattr(_of_arn(response), _TAGS, {})
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


def _tag(response: Any) -> str:
    getattr(_of_arn(response), _TAGS).update(
        {tag["Key"]: tag["Value"] for tag in response._get_param("ResourceTags", [])}
    )
    return json.dumps({})


def _untag(response: Any) -> str:
    tags = getattr(_of_arn(response), _TAGS)
    for key in response._get_param("ResourceTagKeys", []):
        tags.pop(key, None)
    return json.dumps({})
