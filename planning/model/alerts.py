"""What is alerted on, and what Prometheus computes for it. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AlertRulePlan:
    """One alerting rule."""

    name: str
    expr: str
    """PromQL."""
    for_seconds: int
    """How long it must hold before the alert is sent."""
    severity: str
    """critical (a person gets up) or warning (a person looks tomorrow)."""
    summary: str
    description: str
    runbook_url: str
    labels: dict[str, str] = field(default_factory=dict)
    """Of the alert, beside its severity."""


@dataclass(frozen=True)
class RecordingRulePlan:
    """A series that Prometheus computes at each evaluation."""

    record: str
    """Its name."""
    expr: str
    """PromQL."""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleGroupPlan:
    """Rules that are evaluated one after the other: recordings first, so that alerts may read them."""

    name: str
    recordings: tuple[RecordingRulePlan, ...] = ()
    alerts: tuple[AlertRulePlan, ...] = ()


@dataclass(frozen=True)
class WebhookPlan:
    """Where Alertmanager sends alerts; one of the two is set."""

    url: str | None = None
    """An address that is no secret."""
    url_key: str | None = None
    """The config secret that holds the address."""
