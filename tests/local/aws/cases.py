"""One example per row of the table: inputs, a change that is made in place, a change that replaces."""

from __future__ import annotations

from tests.local.aws import (
    cases_anomalies,
    cases_budgets,
    cases_domains,
    cases_eks,
    cases_events,
    cases_identity,
    cases_network,
    cases_storage,
    cases_topics,
)
from tests.local.aws.needs import Case

CASES: tuple[Case, ...] = (
    *cases_network.CASES,
    *cases_identity.CASES,
    *cases_eks.CASES,
    *cases_storage.CASES,
    *cases_events.CASES,
    *cases_budgets.CASES,
    *cases_anomalies.CASES,
    *cases_topics.CASES,
    *cases_domains.CASES,
)
