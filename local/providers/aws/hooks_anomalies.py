"""AWS Cost Anomaly Detection: monitors and subscriptions, whose document is one parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource

# Expression and what is at its ends, with every field (aws-sdk-go-v2 service/costexplorer/types). The provider reads
# AWS' answer into it and writes it with Go's encoding/json, which writes what is not there as null
# (terraform-provider-aws internal/service/ce/anomaly_monitor.go).
_ENDS = ("CostCategories", "Dimensions", "Tags")
_END_FIELDS = ("Key", "MatchOptions", "Values")
# structure.NormalizeJsonString of the plugin SDK.
_NORMAL: dict[str, Any] = {"sort_keys": True, "separators": (",", ":")}


def _as_read(expression: Mapping[str, Any]) -> dict[str, Any]:
    """A document of AWS as the provider writes it down: nothing left out."""
    whole: dict[str, Any] = {"And": None, "Or": None, "Not": None}
    for key in _ENDS:
        end = expression.get(key)
        whole[key] = {field: end.get(field) for field in _END_FIELDS} if end else None
    whole |= {key: [_as_read(each) for each in expression[key]] for key in ("And", "Or") if expression.get(key)}
    return {**whole, "Not": _as_read(expression["Not"])} if expression.get("Not") else whole


def _as_sent(value: Any) -> Any:
    """Without what is null, which the SDK does not send."""
    if isinstance(value, dict):
        return {key: _as_sent(item) for key, item in value.items() if item is not None}
    return [_as_sent(each) for each in value] if isinstance(value, list) else value


def make_monitor(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateAnomalyMonitor."""
    inputs = resource.inputs
    document = {"MonitorName": inputs["name"], "MonitorType": inputs["monitorType"]}
    if inputs.get("monitorDimension"):
        document["MonitorDimension"] = inputs["monitorDimension"]
    if inputs.get("monitorSpecification"):
        document["MonitorSpecification"] = _as_sent(json.loads(inputs["monitorSpecification"]))
    return str(resource.call("create_anomaly_monitor", {"AnomalyMonitor": document, **tagged})["MonitorArn"])


def observe_monitor(resource: LiveResource, seen: Properties) -> Properties:
    """The monitor in the provider's words."""
    live = resource.live
    specification = live.get("MonitorSpecification")
    return {
        "arn": live["MonitorArn"],
        "name": live["MonitorName"],
        "monitorType": live["MonitorType"],
        **({"monitorDimension": live["MonitorDimension"]} if live.get("MonitorDimension") else {}),
        **({"monitorSpecification": json.dumps(_as_read(specification), **_NORMAL)} if specification else {}),
    }


def _subscription(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateAnomalySubscription and UpdateAnomalySubscription take alike."""
    dimension = (inputs.get("thresholdExpression") or {}).get("dimension")
    expression = (
        {
            "Dimensions": {
                "Key": dimension["key"],
                "MatchOptions": dimension["matchOptions"],
                "Values": dimension["values"],
            }
        }
        if dimension
        else None
    )
    return {
        "Frequency": inputs["frequency"],
        "MonitorArnList": list(inputs["monitorArnLists"]),
        "Subscribers": [{"Type": each["type"], "Address": each["address"]} for each in inputs["subscribers"]],
        **({"ThresholdExpression": expression} if expression else {}),
    }


def make_subscription(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateAnomalySubscription."""
    document = {"SubscriptionName": resource.inputs["name"], **_subscription(resource.inputs)}
    answer = resource.call("create_anomaly_subscription", {"AnomalySubscription": document, **tagged})
    return str(answer["SubscriptionArn"])


def change_subscription(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """UpdateAnomalySubscription."""
    resource.call("update_anomaly_subscription", {"SubscriptionArn": resource.id, **_subscription(resource.inputs)})


def change_monitor(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """UpdateAnomalyMonitor: the name is all that it takes."""
    resource.call("update_anomaly_monitor", {"MonitorArn": resource.id, "MonitorName": resource.inputs["name"]})


def observe_subscription(resource: LiveResource, seen: Properties) -> Properties:
    """The subscription in the provider's words."""
    live = resource.live
    dimension = (live.get("ThresholdExpression") or {}).get("Dimensions")
    shown = (
        {"key": dimension["Key"], "matchOptions": dimension["MatchOptions"], "values": dimension["Values"]}
        if dimension
        else None
    )
    return {
        "arn": live["SubscriptionArn"],
        "accountId": live["AccountId"],
        "name": live["SubscriptionName"],
        "frequency": live["Frequency"],
        "monitorArnLists": live["MonitorArnList"],
        "subscribers": [{"type": each["Type"], "address": each["Address"]} for each in live["Subscribers"]],
        **({"thresholdExpression": {"dimension": shown}} if shown else {}),
    }
