"""What one metric proposes: the HPA's replica calculator, as in Kubernetes 1.36.

Follows pkg/controller/podautoscaler/replica_calculator.go, integer arithmetic included: values and
targets are milli-units, averages are cut, not rounded. Held to the controller's own test cases
(`tests/simulation/test_hpa.py`) and to its answers (`test_hpa_vectors.py`). Times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Literal

TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
DOWNSCALE_STABILIZATION_SECONDS = 300.0  # --horizontal-pod-autoscaler-downscale-stabilization
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
    """A pod of the target; a terminating one can be ready still. The times matter for CPU only."""

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


# What the API server fills in where behavior says something (pkg/apis/autoscaling/v2/defaults.go).
DEFAULT_UP = Rules(0, (Policy("Pods", 4, 15), Policy("Percent", 100, 15)))
DEFAULT_DOWN = Rules(300, (Policy("Percent", 100, 15),))


@dataclass(frozen=True)
class HpaMetric:
    """One entry of spec.metrics; `target_milli` in thousandths, for `cpu` in percent of the request.

    Kinds: `pods` (AverageValue over pods), `external` with AverageValue and `external-value` with Value, which are also
    an object's, `cpu` (Utilization).
    """

    name: str
    kind: Literal["pods", "external", "external-value", "cpu"]
    target_milli: int


@dataclass(frozen=True)
class HpaSpec:
    """spec of a HorizontalPodAutoscaler; neither `up` nor `down`: it has no behavior, and other limits hold."""

    min_replicas: int
    max_replicas: int
    metrics: tuple[HpaMetric, ...]
    up: Rules | None = None
    down: Rules | None = None
    tolerance_up: float = TOLERANCE
    tolerance_down: float = TOLERANCE

    @property
    def behavior(self) -> tuple[Rules | None, Rules | None]:
        """Both directions as the API server keeps them, or neither."""
        if self.up is None and self.down is None:
            return None, None
        return self.up or DEFAULT_UP, self.down or DEFAULT_DOWN


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


def active(pods: Sequence[PodState]) -> int:
    """The scale's status.replicas: what a ReplicaSet counts, neither failed nor terminating (`FilterActivePods`)."""
    return sum(pod.phase in (Phase.RUNNING, Phase.PENDING) for pod in pods)


def external_proposal(status: int, value: int, target: int, spec: HpaSpec) -> int:
    """`GetExternalPerPodMetricReplicas`: one value divided by the `status` replicas there are (AverageValue)."""
    if status == 0:
        return ceil(value / target)
    if _within(value / (target * status), spec):
        return status
    return ceil(value / target)


def value_proposal(current: int, value: int, target: int, pods: Sequence[PodState], spec: HpaSpec) -> int:
    """`getUsageRatioReplicaCount`: one value against one target (Value).

    The ratio multiplies the pods that are ready, those that terminate included (`getReadyPodsCount`).
    """
    ratio = value / target
    if current == 0:
        return ceil(ratio)
    if _within(ratio, spec):
        return current
    if not pods:
        raise NoMetric("no pods returned by selector")
    running = (Phase.RUNNING, Phase.TERMINATING)
    return ceil(ratio * sum(pod.phase in running and pod.ready for pod in pods))


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
