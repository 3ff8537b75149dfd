"""What is alerted on, and what Prometheus computes for it. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AlertRulePlan:
    """One alerting rule. `expr` is PromQL; it must hold for `for_seconds` before anybody is told.

    `labels` go to the alert beside `severity`: critical (somebody gets up) or warning (somebody looks tomorrow).
    """

    name: str
    expr: str
    for_seconds: int
    severity: str
    summary: str
    description: str
    runbook_url: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordingRulePlan:
    """A series Prometheus computes at each evaluation: PromQL `expr` under the name `record`."""

    record: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleGroupPlan:
    """Rules that are evaluated one after the other: recordings first, so that alerts may read them."""

    name: str
    recordings: tuple[RecordingRulePlan, ...] = ()
    alerts: tuple[AlertRulePlan, ...] = ()


@dataclass(frozen=True)
class WebhookPlan:
    """Whom Alertmanager tells. `url` where it is no secret, else `url_key`: the config secret that holds it."""

    url: str | None = None
    url_key: str | None = None
