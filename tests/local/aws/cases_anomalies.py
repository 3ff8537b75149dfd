"""Examples of AWS Cost Anomaly Detection."""

from __future__ import annotations

from typing import Any

from components.aws.anomalies import watched_tag
from tests.local.aws.needs import Case

_TOKEN = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"


def _monitored(stack: str) -> dict[str, Any]:
    return {
        "monitorType": "CUSTOM",
        "monitorSpecification": watched_tag("stack", stack),
        "tags": {"a": "1"},
    }


def _from(usd: str) -> dict[str, Any]:
    expected = {"key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "matchOptions": ["GREATER_THAN_OR_EQUAL"], "values": [usd]}
    return {"dimension": expected}


CASES: tuple[Case, ...] = (
    Case(
        _TOKEN,
        _monitored("dev"),
        update={"name": "other", "tags": {"b": "1"}},
        replace={"monitorSpecification": _monitored("prod")["monitorSpecification"]},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        {
            "frequency": "DAILY",
            "monitorArnLists": ["$anomaly-monitor.arn"],
            "subscribers": [{"type": "EMAIL", "address": "a@example.com"}],
            "thresholdExpression": _from("10.00"),
            "tags": {"a": "1"},
        },
        needs=(("anomaly-monitor", _TOKEN, _monitored("needed")),),
        update={
            "frequency": "WEEKLY",
            "subscribers": [{"type": "EMAIL", "address": "b@example.com"}],
            "thresholdExpression": _from("20.00"),
            "tags": {"b": "1"},
        },
        replace={"name": "other"},
        outputs=("arn", "name", "accountId"),
    ),
)
