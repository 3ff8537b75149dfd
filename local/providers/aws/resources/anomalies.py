"""AWS Cost Anomaly Detection."""

from __future__ import annotations

from local.providers.aws import checks, hooks_anomalies
from local.providers.aws.table import Call, Row, Tagging

_TAGGING = Tagging(
    {"ResourceArn": "$arn"},
    "ResourceTags",
    read=Call("list_tags_for_resource", {"ResourceArn": "$id"}, "ResourceTags"),
    at="ResourceTags",
)
MONITOR = Row(
    token="aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    service="ce",
    create=None,
    make=hooks_anomalies.make_monitor,
    read=Call("get_anomaly_monitors", {"MonitorArnList": ["$id"]}, "AnomalyMonitors[0]"),
    delete=(Call("delete_anomaly_monitor", {"MonitorArn": "$id"}),),
    name_prop="name",
    names=dict.fromkeys(("name", "monitorType", "monitorDimension", "monitorSpecification")),
    updatable=("name",),
    on_update=hooks_anomalies.change_monitor,
    observe=hooks_anomalies.observe_monitor,
    tagging=_TAGGING,
    checks=(checks.json_document("monitorSpecification"),),
)

_CHANGES = ("frequency", "monitorArnLists", "subscribers", "thresholdExpression")
_NESTED = (
    *("subscribers.type", "subscribers.address", "thresholdExpression.dimension"),
    *(f"thresholdExpression.dimension.{name}" for name in ("key", "matchOptions", "values")),
)
SUBSCRIPTION = Row(
    token="aws:costexplorer/anomalySubscription:AnomalySubscription",
    service="ce",
    create=None,
    make=hooks_anomalies.make_subscription,
    read=Call("get_anomaly_subscriptions", {"SubscriptionArnList": ["$id"]}, "AnomalySubscriptions[0]"),
    delete=(Call("delete_anomaly_subscription", {"SubscriptionArn": "$id"}),),
    name_prop="name",
    names=dict.fromkeys(("name", "accountId", *_CHANGES, *_NESTED)),
    updatable=_CHANGES,
    on_update=hooks_anomalies.change_subscription,
    observe=hooks_anomalies.observe_subscription,
    tagging=_TAGGING,
)

ROWS = (MONITOR, SUBSCRIPTION)
