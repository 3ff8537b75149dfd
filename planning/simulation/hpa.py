"""The HorizontalPodAutoscaler's own algorithm: autoscaling/v2 with behavior, as in Kubernetes 1.34 to 1.36.

Follows pkg/controller/podautoscaler/horizontal.go; what one metric proposes is in `hpa_proposals.py`. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from planning.simulation.hpa_proposals import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    SYNC_SECONDS,
    HpaSpec,
    Metric,
    NoMetric,
    Phase,
    PodState,
    Policy,
    Reading,
    Rules,
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
    "HpaSpec",
    "Metric",
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
