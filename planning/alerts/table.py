"""The dated table of alert thresholds, and how a rule is made from a row of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.facts import optional_float, rows
from planning.model import AlertRulePlan

CRITICAL, WARNING = "critical", "warning"
# A rate needs two samples and survives one lost scrape with four.
SCRAPES_PER_RANGE = 4


@dataclass(frozen=True)
class Threshold:
    """A row of facts/alerts.csv; None where the plan computes the number."""

    name: str
    value: float | None
    unit: str
    range_seconds: int | None
    for_seconds: int
    severity: str
    source: str


@cache
def thresholds() -> dict[str, Threshold]:
    """All rows by alert name."""
    limits = {}
    for row in rows("alerts.csv"):
        lookback = optional_float(row["range_seconds"])
        limits[row["name"]] = Threshold(
            name=row["name"],
            value=optional_float(row["threshold"]),
            unit=row["unit"],
            range_seconds=None if lookback is None else int(lookback),
            for_seconds=int(row["for_seconds"]),
            severity=row["severity"],
            source=f"{row['source']}, {row['dated']}",
        )
    return limits


@dataclass(frozen=True)
class Desk:
    """Writes rules that belong together: same labels, same place of their pages.

    `scrape_interval_seconds` bounds how short a range may be.
    """

    runbook_base_url: str
    scrape_interval_seconds: int
    labels: dict[str, str]

    def bound(self, name: str) -> str:
        """The threshold of an alert, as PromQL writes it; raises ValueError where the plan has to compute it."""
        value = thresholds()[name].value
        if value is None:
            raise ValueError(f"{name} has no threshold in facts/alerts.csv")
        return number(value)

    def lookback(self, name: str) -> str:
        """The range of an alert, e.g. `5m`; longer where scrapes are rare."""
        return duration(max(thresholds()[name].range_seconds or 0, SCRAPES_PER_RANGE * self.scrape_interval_seconds))

    def alert(
        self,
        name: str,
        expr: str,
        summary: str,
        description: str,
        *,
        severity: str | None = None,
        labels: dict[str, str] | None = None,
    ) -> AlertRulePlan:
        """The rule of that name; `severity` and further `labels` where one name stands for several rules."""
        row = thresholds()[name]
        return AlertRulePlan(
            name=name,
            expr=expr,
            for_seconds=row.for_seconds,
            severity=severity or row.severity,
            summary=summary,
            description=description,
            runbook_url=f"{self.runbook_base_url}/{name}.md",
            labels={**self.labels, **(labels or {})},
        )


def number(value: float) -> str:
    """A number as PromQL reads it, without noise: 0.144, not 0.14400000000000002."""
    return f"{value:.6g}"


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes them: 3d, 6h, 5m, 90s."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
