"""Examples of AWS Budgets."""

from __future__ import annotations

from typing import Any

from tests.local.aws.needs import Case


def _notice(threshold: int, *addresses: str) -> dict[str, Any]:
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": "ACTUAL",
        "threshold": threshold,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": list(addresses),
    }


CASES: tuple[Case, ...] = (
    Case(
        "aws:budgets/budget:Budget",
        {
            "budgetType": "COST",
            "limitAmount": "1000.00",
            "limitUnit": "USD",
            "timeUnit": "MONTHLY",
            "costFilters": [{"name": "TagKeyValue", "values": ["user:stack$dev"]}],
            "notifications": [_notice(80, "a@example.com")],
            "tags": {"a": "1"},
        },
        update={
            "limitAmount": "2000.00",
            "notifications": [_notice(90, "a@example.com", "b@example.com")],
            "tags": {"b": "1"},
        },
        replace={"name": "other"},
        outputs=("arn", "name", "accountId"),
    ),
)
