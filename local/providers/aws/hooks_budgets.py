"""AWS Budgets: one document with its notices, which have operations of their own afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource

_KINDS = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}


def _account(resource: LiveResource) -> str:
    return str(resource.inputs.get("accountId") or resource.value("account"))


def document(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`Budget` of CreateBudget and UpdateBudget."""
    filters = {cost_filter["name"]: list(cost_filter["values"]) for cost_filter in inputs.get("costFilters") or []}
    return {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
        **({"CostFilters": filters} if filters else {}),
    }


def _notice(wanted: Mapping[str, Any]) -> dict[str, Any]:
    told = [
        {"SubscriptionType": kind, "Address": address}
        for prop, kind in _KINDS.items()
        for address in wanted.get(prop) or []
    ]
    notification = {
        "NotificationType": wanted["notificationType"],
        "ComparisonOperator": wanted["comparisonOperator"],
        "Threshold": float(wanted["threshold"]),
        "ThresholdType": wanted["thresholdType"],
    }
    return {"Notification": notification, "Subscribers": told}


def make(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateBudget takes the notices with it."""
    account, inputs = _account(resource), resource.inputs
    notices = [_notice(notification) for notification in inputs.get("notifications") or []]
    given = {"AccountId": account, "Budget": document(inputs), "NotificationsWithSubscribers": notices, **tagged}
    resource.call("create_budget", given)
    return f"{account}:{inputs['name']}"


def change(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """UpdateBudget for the document; notices are taken away and made again, as the real provider does."""
    target = {"AccountId": _account(resource), "BudgetName": resource.inputs["name"]}
    resource.call("update_budget", {"AccountId": target["AccountId"], "NewBudget": document(resource.inputs)})
    if "notifications" in changed:
        for notification in old.get("notifications") or []:
            resource.call("delete_notification", {**target, "Notification": _notice(notification)["Notification"]})
        for notification in resource.inputs.get("notifications") or []:
            resource.call("create_notification", {**target, **_notice(notification)})


def observe(resource: LiveResource, seen: Properties) -> Properties:
    """The document in the provider's words, with who is told at each notice."""
    live, target = resource.live, {"AccountId": _account(resource), "BudgetName": resource.live["BudgetName"]}
    listed = resource.call("describe_notifications_for_budget", target).get("Notifications") or []
    notices = []
    for each in listed:
        asked = {**target, "Notification": each}
        told = resource.call("describe_subscribers_for_notification", asked).get("Subscribers") or []
        addresses = {
            prop: [one["Address"] for one in told if one["SubscriptionType"] == kind] for prop, kind in _KINDS.items()
        }
        notices.append(
            {
                "notificationType": each["NotificationType"],
                "comparisonOperator": each["ComparisonOperator"],
                "threshold": each["Threshold"],
                "thresholdType": each["ThresholdType"],
                **{prop: found for prop, found in addresses.items() if found},
            }
        )
    limit = live["BudgetLimit"]
    return {
        "accountId": target["AccountId"],
        "name": live["BudgetName"],
        "budgetType": live["BudgetType"],
        "timeUnit": live["TimeUnit"],
        "limitAmount": limit["Amount"],
        "limitUnit": limit["Unit"],
        "costFilters": [{"name": name, "values": values} for name, values in (live.get("CostFilters") or {}).items()],
        "notifications": notices,
        "arn": f"arn:{resource.cloud.partition}:budgets::{target['AccountId']}:budget/{live['BudgetName']}",
    }
