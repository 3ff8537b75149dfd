"""AWS Budgets."""

from __future__ import annotations

from local.providers.aws import hooks_budgets
from local.providers.aws.table import Call, Row, Tagging

_CHANGES = ("costFilters", "limitAmount", "limitUnit", "notifications", "timeUnit")
_NESTED = (
    *("costFilters.name", "costFilters.values", "notifications.comparisonOperator", "notifications.notificationType"),
    *("notifications.subscriberEmailAddresses", "notifications.subscriberSnsTopicArns", "notifications.threshold"),
    "notifications.thresholdType",
)
BUDGET = Row(
    token="aws:budgets/budget:Budget",
    service="budgets",
    create=None,
    make=hooks_budgets.make,
    read=Call("describe_budget", {"AccountId": "$account", "BudgetName": "$name"}, "Budget"),
    delete=(Call("delete_budget", {"AccountId": "$account", "BudgetName": "$name"}),),
    name_prop="name",
    names=dict.fromkeys(("name", "accountId", "budgetType", *_CHANGES, *_NESTED)),
    updatable=_CHANGES,
    on_update=hooks_budgets.change,
    observe=hooks_budgets.observe,
    id="{accountId}:{name}",
    import_id="{accountId}:{name}",
    tagging=Tagging(
        {"ResourceARN": "$arn"},
        "ResourceTags",
        read=Call(
            "list_tags_for_resource",
            {"ResourceARN": "arn:$partition:budgets::$account:budget/$name"},
            "ResourceTags",
        ),
        at="ResourceTags",
    ),
)

ROWS = (BUDGET,)
