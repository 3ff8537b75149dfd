"""The HorizontalPodAutoscaler's own algorithm: autoscaling/v2 with and without behavior, as in Kubernetes 1.36.

Follows pkg/controller/podautoscaler/horizontal.go; what one metric proposes is in `hpa_proposals.py`. The vectors that
`tools/hpa-vectors` takes from the controller itself hold both files to it. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil

from simulation.hpa_proposals import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    DOWNSCALE_STABILIZATION_SECONDS,
    SYNC_SECONDS,
    HpaMetric,
    HpaSpec,
    NoMetric,
    Phase,
    PodState,
    Policy,
    Reading,
    Rules,
    active,
    cpu_proposal,
    external_proposal,
    pods_proposal,
    value_proposal,
)

__all__ = [
    "DEFAULT_DOWN",
    "DEFAULT_UP",
    "SYNC_SECONDS",
    "Hpa",
    "HpaMetric",
    "HpaSpec",
    "NoMetric",
    "Phase",
    "PodState",
    "Policy",
    "Reading",
    "Rules",
    "cpu_proposal",
    "external_proposal",
    "pods_proposal",
    "value_proposal",
]


@dataclass
class ScaleEvent:
    """So many pods more, or less, at a time; an outdated one may be overwritten by the next."""

    at_seconds: float
    change: int
    outdated: bool = False


@dataclass
class Hpa:
    """One HPA's state between syncs: recommendations and scale events."""

    spec: HpaSpec
    recommendations: list[tuple[float, int]] = field(default_factory=list)
    up_events: list[ScaleEvent] = field(default_factory=list)
    down_events: list[ScaleEvent] = field(default_factory=list)

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
        replicas = self._wanted(now_seconds, current, pods, readings, cpu_requests or {})
        if replicas is None:
            return current
        return self._record(now_seconds, current, self.normalize(now_seconds, current, replicas))

    def normalize(self, now_seconds: float, current: int, proposed: int) -> int:
        """Stabilization, then policies and bounds; without a behavior `normalizeDesiredReplicas`' own ones."""
        up, down = self.spec.behavior
        if up is None or down is None:
            return self._normalize_plainly(now_seconds, current, proposed)
        stable = self._stabilize(now_seconds, current, proposed, up, down)
        if stable > current:
            limit = max(current, self._limit(now_seconds, current, up, up=True))
            return min(stable, self.spec.max_replicas, limit)
        if stable < current:
            limit = min(current, self._limit(now_seconds, current, down, up=False))
            return max(stable, self.spec.min_replicas, limit)
        return stable

    def _normalize_plainly(self, now: float, current: int, proposed: int) -> int:
        """`normalizeDesiredReplicas`: down by the highest of five minutes, up to twice as many or four."""
        cutoff = now - DOWNSCALE_STABILIZATION_SECONDS
        self.recommendations = [
            recommendation for recommendation in self.recommendations if recommendation[0] >= cutoff
        ]
        stable = max([proposed, *(count for _, count in self.recommendations)])
        self.recommendations.append((now, proposed))
        return max(self.spec.min_replicas, min(stable, self.spec.max_replicas, max(2 * current, 4)))

    def _wanted(
        self,
        now_seconds: float,
        current: int,
        pods: Sequence[PodState],
        readings: Mapping[str, Reading],
        cpu_requests: Mapping[str, int],
    ) -> int | None:
        """The largest proposal; None where every metric fails, or one fails and the others would scale down."""
        proposals = []
        for metric in self.spec.metrics:
            with suppress(NoMetric):
                proposals.append(self._propose(metric, now_seconds, current, pods, readings, cpu_requests))
        failed = len(self.spec.metrics) - len(proposals)
        proposed = max([0, *proposals])
        if failed == len(self.spec.metrics) or (failed and proposed < current):
            return None
        return proposed

    def _propose(
        self,
        metric: HpaMetric,
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
                return external_proposal(active(pods), reading.value, metric.target_milli, self.spec)
            return value_proposal(current, reading.value, metric.target_milli, pods, self.spec)
        if reading.by_pod is None:
            raise NoMetric(metric.name)
        if metric.kind == "pods":
            return pods_proposal(current, reading.by_pod, metric.target_milli, pods, self.spec)
        return cpu_proposal(current, reading.by_pod, cpu_requests, metric.target_milli, pods, now_seconds, self.spec)

    def _stabilize(self, now: float, current: int, proposed: int, up: Rules, down: Rules) -> int:
        up_cutoff, down_cutoff = now - up.window_seconds, now - down.window_seconds
        lowest = min([proposed, *(count for at, count in self.recommendations if at > up_cutoff)])
        highest = max([proposed, *(count for at, count in self.recommendations if at > down_cutoff)])
        oldest = min(up_cutoff, down_cutoff)
        self.recommendations = [
            recommendation for recommendation in self.recommendations if recommendation[0] >= oldest
        ]
        self.recommendations.append((now, proposed))
        return min(max(current, lowest), highest)

    def _limit(self, now: float, current: int, rules: Rules, *, up: bool) -> int:
        if rules.select == "Disabled":
            return current
        proposals = []
        for policy in rules.policies:
            added = _changed(self.up_events, now - policy.period_seconds)
            removed = _changed(self.down_events, now - policy.period_seconds)
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
        """`storeScaleEvent`; without a behavior nothing is kept."""
        up, down = self.spec.behavior
        if up is not None and down is not None and desired != current:
            events, rules = (self.up_events, up) if desired > current else (self.down_events, down)
            _store(events, ScaleEvent(now, abs(desired - current)), now, rules)
        return desired


def _changed(events: Sequence[ScaleEvent], after_seconds: float) -> int:
    """Outdated events count as long as a period reaches back to them and nothing has taken their place."""
    return sum(event.change for event in events if event.at_seconds > after_seconds)


def _store(events: list[ScaleEvent], new: ScaleEvent, now: float, rules: Rules) -> None:
    """The controller overwrites the last event that is older than this direction's longest period, or appends."""
    longest = max(policy.period_seconds for policy in rules.policies)
    place = None
    for index, event in enumerate(events):
        event.outdated = event.outdated or event.at_seconds < now - longest
        place = index if event.outdated else place
    if place is None:
        events.append(new)
    else:
        events[place] = new
