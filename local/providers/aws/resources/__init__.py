"""The table: every resource type that the stand-in knows."""

from __future__ import annotations

from local.providers.aws.resources import (
    anomalies,
    budgets,
    compute,
    domains,
    eks,
    events,
    identity,
    keys_and_logs,
    network,
    routing,
    security,
    storage,
    topics,
)
from local.providers.aws.table import Row

TABLE: dict[str, Row] = {
    row.token: row
    for module in (
        network,
        routing,
        security,
        compute,
        identity,
        keys_and_logs,
        eks,
        storage,
        events,
        budgets,
        anomalies,
        topics,
        domains,
    )
    for row in module.ROWS
}
