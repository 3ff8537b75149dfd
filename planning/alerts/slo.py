"""Alerts on a model's promises: how fast the budget of bad requests burns, in two windows each.

Method: Google SRE workbook, chapter 5 (multiwindow, multi-burn-rate). The long window says that it matters, the
short one that it still goes on. Factors are the share of the budget that may be gone, spread over the long window:
for 30 days 14.4, 6, 3 and 1.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from planning.alerts.table import CRITICAL, WARNING, Desk, duration, number
from planning.findings import Findings
from planning.model import AlertRulePlan, RecordingRulePlan, RuleGroupPlan
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version
from settings.demand import SloSettings

HOUR, DAY = 3600, 86400

# Upper bounds of vllm:time_to_first_token_seconds_bucket, s. Read 2026-11-21 in v1/metrics/loggers.py of vLLM 0.33.0;
# older versions have the same names, their bounds were not read.
TTFT_BUCKETS_SECONDS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip

TTFT_RATIO = "vllm_on_eks:ttft_errors:ratio"
ERROR_RATIO = "vllm_on_eks:errors:ratio"


@dataclass(frozen=True)
class BurnWindow:
    """Alert when `budget_share` of the budget went within the long window and still goes in the short one."""

    budget_share: float
    long_seconds: int
    short_seconds: int
    severity: str

    def factor(self, window_days: int) -> float:
        """How many times faster than evenly the budget burns at that point; never below 1, which would lie."""
        return max(1.0, self.budget_share * window_days * DAY / self.long_seconds)


BURN_WINDOWS = (
    BurnWindow(0.02, HOUR, 5 * 60, CRITICAL),
    BurnWindow(0.05, 6 * HOUR, 30 * 60, CRITICAL),
    BurnWindow(0.10, DAY, 2 * HOUR, WARNING),
    BurnWindow(0.10, 3 * DAY, 6 * HOUR, WARNING),
)


@dataclass(frozen=True)
class AlertedSlo:
    """One share that was promised: alert `name` on the recorded ratio `record` of bad requests."""

    name: str
    record: str
    what: str
    budget: float
    expr: str  # ratio of bad requests, with %s where the window goes


def slo_group(
    slo: SloSettings, written: bool, job: str, version: Version, path: str, desk: Desk, findings: Findings
) -> RuleGroupPlan:
    """Recordings and alerts of both promises of a model.

    `job`: the selector of its servers' series. `path`: of the slo in the stack file; `written`: whether it names a
    time to first token of its own, so that a finding is worth its line.
    """
    promised = slo.time_to_first_token_seconds
    bound = nearest_bucket(promised)
    if written and bound != promised:
        findings.warning(
            f"{path}.timeToFirstTokenSeconds",
            "slo-bucket",
            f"{number(promised)} s is no bucket of vLLM {vllm_versions.text(version)}'s histogram "
            f"({_neighbours(promised)}): alerts count at {number(bound)} s",
            "write one of these to have what you promise counted",
        )
    promises = (
        AlertedSlo(
            "VllmTtftBudgetBurn",
            TTFT_RATIO,
            f"first token later than {number(bound)} s",
            1 - slo.share,
            _ttft_ratio(job, bound),
        ),
        AlertedSlo(
            "VllmErrorBudgetBurn",
            ERROR_RATIO,
            "failed or turned away",
            1 - slo.availability,
            error_ratio(job, version),
        ),
    )
    windows = [window for window in BURN_WINDOWS if window.long_seconds <= slo.window_days * DAY]
    lengths = sorted({length for window in windows for length in (window.long_seconds, window.short_seconds)})
    return RuleGroupPlan(
        "slo",
        tuple(
            RecordingRulePlan(
                promise.record,
                promise.expr.replace("%s", duration(length)),
                {**desk.labels, "window": duration(length)},
            )
            for promise in promises
            for length in lengths
        ),
        tuple(rule for promise in promises for rule in _alerts(promise, windows, slo, path, desk, findings)),
    )


def nearest_bucket(seconds: float) -> float:
    """The bucket bound next to a time; of two as near, the stricter one."""
    return min(TTFT_BUCKETS_SECONDS, key=lambda bound: (abs(bound - seconds), bound))


def _neighbours(seconds: float) -> str:
    place = bisect_left(TTFT_BUCKETS_SECONDS, seconds)
    return " or ".join(f"{number(bound)} s" for bound in TTFT_BUCKETS_SECONDS[max(0, place - 1) : place + 1])


def _ttft_ratio(job: str, bound: float) -> str:
    # Prometheus writes bounds as floats: le="1.0". Without requests both sides are 0, and NaN is above nothing.
    good = f'sum(rate(vllm:time_to_first_token_seconds_bucket{{{job},le="{bound!r}"}}[%s]))'
    return f"1 - {good} / sum(rate(vllm:time_to_first_token_seconds_count{{{job}}}[%s]))"


def error_ratio(job: str, version: Version) -> str:
    """Engine errors, full queues, and what a server that ends was asked: it answers 200 with `abort` and no words.

    A request whose client left is counted by no reason (measured on vLLM 0.32.0, tests/local/engine/vllm-0.32.0.json).
    """
    bad = f'sum(rate(vllm:request_success_total{{{job},finished_reason=~"error|abort"}}[%s]))'
    every = f"sum(rate(vllm:request_success_total{{{job}}}[%s]))"
    if "vllm:admission_rejections_total" in vllm_versions.metrics(version):
        turned_away = f"sum(rate(vllm:admission_rejections_total{{{job}}}[%s]))"
        bad, every = f"({bad} + {turned_away})", f"({every} + {turned_away})"
    return f"{bad} / {every}"


def _alerts(
    promise: AlertedSlo, windows: list[BurnWindow], slo: SloSettings, path: str, desk: Desk, findings: Findings
) -> list[AlertRulePlan]:
    rules, silent = [], []
    own = ",".join(f'{key}="{value}"' for key, value in desk.labels.items())
    for window in windows:
        factor = window.factor(slo.window_days)
        limit = factor * promise.budget
        long, short = duration(window.long_seconds), duration(window.short_seconds)
        if limit >= 1:  # a share is never above 1
            silent.append(f"{long}/{short}")
            continue
        recorded = [f'{promise.record}{{{own},window="{length}"}} > {number(limit)}' for length in (long, short)]
        rules.append(
            desk.alert(
                promise.name,
                f"({recorded[0]}) and ignoring (window) ({recorded[1]})",
                f"{desk.labels['model']} burns its budget at {number(factor)} × the rate that would just use it up",
                f"{{{{ $value | humanizePercentage }}}} of the requests of the last {long} were {promise.what}; "
                f"{number(promise.budget * 100)} % over {slo.window_days} days were promised.",
                severity=window.severity,
                labels={"window": long},
            )
        )
    if silent:
        findings.warning(
            path,
            "slo-never-alerts",
            f"a budget of {number(promise.budget * 100)} % is so wide that {promise.name} cannot fire over "
            f"{', '.join(silent)}",
            "promise more, or count it over fewer windowDays",
        )
    return rules
