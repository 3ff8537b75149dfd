"""The HorizontalPodAutoscaler's own algorithm: autoscaling/v2 with behavior, as in Kubernetes 1.34 to 1.36.

Follows pkg/controller/podautoscaler/replica_calculator.go and horizontal.go, integer arithmetic included: values and
targets are milli-units, averages are cut, not rounded. `tests/planning/simulation/test_hpa_vectors.py` holds it to the
controller's own test cases. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Literal

TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
SYNC_SECONDS = 15.0  # --horizontal-pod-autoscaler-sync-period
CPU_INITIALIZATION_SECONDS = 300.0  # --horizontal-pod-autoscaler-cpu-initialization-period
CPU_METRIC_WINDOW_SECONDS = 30.0  # window of metrics-server's samples, which are taken as of now
INITIAL_READINESS_SECONDS = 30.0  # --horizontal-pod-autoscaler-initial-readiness-delay


class NoMetric(Exception):
    """The controller could not compute a proposal from this metric."""


class Phase(StrEnum):
    """What the controller distinguishes in a pod."""

    RUNNING = "Running"
    PENDING = "Pending"
    FAILED = "Failed"
    TERMINATING = "Terminating"


@dataclass(frozen=True)
class PodState:
    """A pod of the target; `started_seconds` and `ready_since_seconds` matter for CPU only."""

    name: str
    phase: Phase = Phase.RUNNING
    ready: bool = True
    started_seconds: float | None = None
    ready_changed_seconds: float | None = None


@dataclass(frozen=True)
class Policy:
    """At most `value` pods, or percent, per period."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_seconds: int


@dataclass(frozen=True)
class Rules:
    """One direction of `behavior`; `select` Max, Min or Disabled."""

    window_seconds: int
    policies: tuple[Policy, ...]
    select: Literal["Max", "Min", "Disabled"] = "Max"


# What the API server fills in (pkg/apis/autoscaling/v2/defaults.go).
DEFAULT_UP = Rules(0, (Policy("Pods", 4, 15), Policy("Percent", 100, 15)))
DEFAULT_DOWN = Rules(300, (Policy("Percent", 100, 15),))


@dataclass(frozen=True)
class Metric:
    """One entry of spec.metrics; `target_milli` in thousandths, for `cpu` in percent of the request.

    Kinds: `pods` (AverageValue over pods), `external` with AverageValue, `external-value` with Value (also objects),
    `cpu` (Utilization).
    """

    name: str
    kind: Literal["pods", "external", "external-value", "cpu"]
    target_milli: int


@dataclass(frozen=True)
class HpaSpec:
    """spec of a HorizontalPodAutoscaler."""

    min_replicas: int
    max_replicas: int
    metrics: tuple[Metric, ...]
    up: Rules = DEFAULT_UP
    down: Rules = DEFAULT_DOWN
    tolerance_up: float = TOLERANCE
    tolerance_down: float = TOLERANCE


@dataclass(frozen=True)
class Reading:
    """What a metrics API answered: milli-values by pod, or one value; None: no such metric now."""

    by_pod: Mapping[str, int] | None = None
    value: int | None = None


def pods_proposal(
    current: int, readings: Mapping[str, int], target: int, pods: Sequence[PodState], spec: HpaSpec
) -> int:
    """`calcPlainMetricReplicas`: a Pods metric with AverageValue. Raises NoMetric."""
    ready, unready, missing, ignored = _group(pods, readings)
    known = {name: value for name, value in readings.items() if name not in unready and name not in ignored}
    if not pods or not known:
        raise NoMetric("did not receive metrics for targeted pods")

    def ratio(values: Mapping[str, int]) -> float:
        return _quotient(sum(values.values()), len(values)) / target

    fallback = dict.fromkeys(missing, target)
    return _proposal(current, known, ratio, ready, unready, fallback, spec)


def cpu_proposal(
    current: int,
    usage: Mapping[str, int],
    requests: Mapping[str, int],
    target_percent: int,
    pods: Sequence[PodState],
    now_seconds: float,
    spec: HpaSpec,
) -> int:
    """`GetResourceReplicas`: CPU with Utilization, in milli-CPU. Raises NoMetric."""
    ready, unready, missing, ignored = _group(pods, usage, now_seconds)
    known = {name: value for name, value in usage.items() if name not in unready and name not in ignored}
    if not known:
        raise NoMetric("did not receive metrics for targeted pods")

    def ratio(values: Mapping[str, int]) -> float:
        requested = sum(requests[name] for name in values if name in requests)
        if requested == 0:
            raise NoMetric("no metrics returned matched known pods")
        used = sum(value for name, value in values.items() if name in requests)
        return _quotient(used * 100, requested) / target_percent

    fallback = {name: _quotient(requests[name] * max(100, target_percent), 100) for name in missing}
    return _proposal(current, known, ratio, ready, unready, fallback, spec)


def external_proposal(current: int, status: int, value: int, target: int, spec: HpaSpec) -> int:
    """`GetExternalPerPodMetricReplicas`: one value divided by the replicas (AverageValue)."""
    if status == 0:
        return ceil(value / target)
    if _within(value / (target * status), spec):
        return status
    return ceil(value / target)


def value_proposal(current: int, value: int, target: int, pods: Sequence[PodState], spec: HpaSpec) -> int:
    """`getUsageRatioReplicaCount`: one value against one target (Value); ready pods are multiplied by the ratio."""
    ratio = value / target
    if current == 0:
        return ceil(ratio)
    if _within(ratio, spec):
        return current
    if not pods:
        raise NoMetric("no pods returned by selector")
    return ceil(ratio * sum(pod.phase is Phase.RUNNING and pod.ready for pod in pods))


@dataclass
class Hpa:
    """One HPA's state between syncs: recommendations and scale events."""

    spec: HpaSpec
    recommendations: list[tuple[float, int]] = field(default_factory=list)
    up_events: list[tuple[float, int]] = field(default_factory=list)
    down_events: list[tuple[float, int]] = field(default_factory=list)

    def sync(
        self,
        now_seconds: float,
        current: int,
        pods: Sequence[PodState],
        readings: Mapping[str, Reading],
        cpu_requests: Mapping[str, int] | None = None,
    ) -> int:
        """One reconciliation; answers the replicas the controller asks for."""
        if not self.recommendations:
            self.recommendations.append((now_seconds, current))
        if current == 0:
            return 0
        if current > self.spec.max_replicas:
            return self._record(now_seconds, current, self.spec.max_replicas)
        if current < self.spec.min_replicas:
            return self._record(now_seconds, current, self.spec.min_replicas)
        wanted = self._wanted(now_seconds, current, pods, readings, cpu_requests or {})
        if wanted is None:
            return current
        return self._record(now_seconds, current, self.normalize(now_seconds, current, wanted))

    def normalize(self, now_seconds: float, current: int, wanted: int) -> int:
        """`normalizeDesiredReplicasWithBehaviors`: stabilization, then policies and bounds."""
        stable = self._stabilize(now_seconds, current, wanted)
        if stable > current:
            limit = max(current, self._limit(now_seconds, current, self.spec.up, up=True))
            return min(stable, min(self.spec.max_replicas, limit))
        if stable < current:
            limit = min(current, self._limit(now_seconds, current, self.spec.down, up=False))
            return max(stable, max(self.spec.min_replicas, limit))
        return stable

    def _wanted(
        self,
        now_seconds: float,
        current: int,
        pods: Sequence[PodState],
        readings: Mapping[str, Reading],
        cpu_requests: Mapping[str, int],
    ) -> int | None:
        """The largest proposal; None where every metric fails, or one fails and the others would scale down."""
        wanted, failed = 0, 0
        for metric in self.spec.metrics:
            try:
                wanted = max(wanted, self._propose(metric, now_seconds, current, pods, readings, cpu_requests))
            except NoMetric:
                failed += 1
        if failed == len(self.spec.metrics) or (failed and wanted < current):
            return None
        return wanted

    def _propose(
        self,
        metric: Metric,
        now_seconds: float,
        current: int,
        pods: Sequence[PodState],
        readings: Mapping[str, Reading],
        cpu_requests: Mapping[str, int],
    ) -> int:
        reading = readings.get(metric.name, Reading())
        if metric.kind in ("external", "external-value"):
            if reading.value is None:
                raise NoMetric(metric.name)
            if metric.kind == "external":
                return external_proposal(current, len(pods), reading.value, metric.target_milli, self.spec)
            return value_proposal(current, reading.value, metric.target_milli, pods, self.spec)
        if reading.by_pod is None:
            raise NoMetric(metric.name)
        if metric.kind == "pods":
            return pods_proposal(current, reading.by_pod, metric.target_milli, pods, self.spec)
        return cpu_proposal(current, reading.by_pod, cpu_requests, metric.target_milli, pods, now_seconds, self.spec)

    def _stabilize(self, now: float, current: int, wanted: int) -> int:
        up_cutoff, down_cutoff = now - self.spec.up.window_seconds, now - self.spec.down.window_seconds
        lowest = min([wanted, *(count for at, count in self.recommendations if at > up_cutoff)])
        highest = max([wanted, *(count for at, count in self.recommendations if at > down_cutoff)])
        oldest = min(up_cutoff, down_cutoff)
        self.recommendations = [each for each in self.recommendations if each[0] >= oldest]
        self.recommendations.append((now, wanted))
        return min(max(current, lowest), highest)

    def _limit(self, now: float, current: int, rules: Rules, *, up: bool) -> int:
        if rules.select == "Disabled":
            return current
        proposals = []
        for policy in rules.policies:
            added = sum(count for at, count in self.up_events if at > now - policy.period_seconds)
            removed = sum(count for at, count in self.down_events if at > now - policy.period_seconds)
            start = current - added + removed
            if policy.kind == "Pods":
                proposals.append(start + policy.value if up else start - policy.value)
            elif up:
                proposals.append(ceil(start * (1 + policy.value / 100)))
            else:
                proposals.append(int(start * (1 - policy.value / 100)))
        largest_change = max if up == (rules.select == "Max") else min
        return largest_change(proposals)

    def _record(self, now: float, current: int, desired: int) -> int:
        longest = max([policy.period_seconds for rules in (self.spec.up, self.spec.down) for policy in rules.policies])
        self.up_events = [each for each in self.up_events if each[0] >= now - longest]
        self.down_events = [each for each in self.down_events if each[0] >= now - longest]
        if desired > current:
            self.up_events.append((now, desired - current))
        elif desired < current:
            self.down_events.append((now, current - desired))
        return desired


def _group(
    pods: Sequence[PodState], readings: Mapping[str, int], cpu_now: float | None = None
) -> tuple[int, set[str], set[str], set[str]]:
    """`groupPods`: how many count, and the names that are unready, without a metric, or ignored."""
    ready, unready, missing, ignored = 0, set(), set(), set()
    for pod in pods:
        if pod.phase in (Phase.TERMINATING, Phase.FAILED):
            ignored.add(pod.name)
        elif pod.phase is Phase.PENDING:
            unready.add(pod.name)
        elif pod.name not in readings:
            missing.add(pod.name)
        elif cpu_now is not None and _cpu_unready(pod, cpu_now):
            unready.add(pod.name)
        else:
            ready += 1
    return ready, unready, missing, ignored


def _cpu_unready(pod: PodState, now: float) -> bool:
    if pod.started_seconds is None or pod.ready_changed_seconds is None:
        return True
    if pod.started_seconds + CPU_INITIALIZATION_SECONDS > now:
        return not pod.ready or now < pod.ready_changed_seconds + CPU_METRIC_WINDOW_SECONDS
    return not pod.ready and pod.started_seconds + INITIAL_READINESS_SECONDS > pod.ready_changed_seconds


def _proposal(
    current: int,
    known: dict[str, int],
    ratio: Callable[[Mapping[str, int]], float],
    ready: int,
    unready: set[str],
    missing_fallback: Mapping[str, int],
    spec: HpaSpec,
) -> int:
    """The part that CPU and pod metrics share: missing pods count against the change, unready ones against growth."""
    usage = ratio(known)
    grow_with_unready = bool(unready) and usage > 1
    if not grow_with_unready and not missing_fallback:
        return current if _within(usage, spec) else ceil(usage * ready)
    values = dict(known)
    if usage < 1:
        values.update(missing_fallback)
    elif usage > 1:
        values.update(dict.fromkeys(missing_fallback, 0))
    if grow_with_unready:
        values.update(dict.fromkeys(unready, 0))
    again = ratio(values)
    if _within(again, spec) or (usage < 1 < again) or (again < 1 < usage):
        return current
    proposed = ceil(again * len(values))
    if (again < 1 and proposed > current) or (again > 1 and proposed < current):
        return current
    return proposed


def _within(usage: float, spec: HpaSpec) -> bool:
    return 1 - spec.tolerance_down <= usage <= 1 + spec.tolerance_up


def _quotient(total: int, count: int) -> int:
    """Go's integer division."""
    return int(total // count) if total >= 0 else -int(-total // count)
