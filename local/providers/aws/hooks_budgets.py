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


def _notice(wanted_notice: Mapping[str, Any]) -> dict[str, Any]:
    subscribers = [
        {"SubscriptionType": kind, "Address": address}
        for prop, kind in _KINDS.items()
        for address in wanted_notice.get(prop) or []
    ]
    notification = {
        "NotificationType": wanted_notice["notificationType"],
        "ComparisonOperator": wanted_notice["comparisonOperator"],
        "Threshold": float(wanted_notice["threshold"]),
        "ThresholdType": wanted_notice["thresholdType"],
    }
    return {"Notification": notification, "Subscribers": subscribers}


def make(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateBudget takes the notices with it."""
    account, inputs = _account(resource), resource.inputs
    notices = [_notice(notification) for notification in inputs.get("notifications") or []]
    parameters = {"AccountId": account, "Budget": document(inputs), "NotificationsWithSubscribers": notices, **tagged}
    resource.call("create_budget", parameters)
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
    for notification in listed:
        asked = {**target, "Notification": notification}
        subscribers = resource.call("describe_subscribers_for_notification", asked).get("Subscribers") or []
        addresses = {
            prop: [one["Address"] for one in subscribers if one["SubscriptionType"] == kind]
            for prop, kind in _KINDS.items()
        }
        notices.append(
            {
                "notificationType": notification["NotificationType"],
                "comparisonOperator": notification["ComparisonOperator"],
                "threshold": notification["Threshold"],
                "thresholdType": notification["ThresholdType"],
                **{prop: address for prop, address in addresses.items() if address},
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
