"""What moves a model's replicas. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planning.model.alerts import RecordingRulePlan
from planning.model.demand import Demand


class ScalerKind(StrEnum):
    """Who owns the number of replicas: a HorizontalPodAutoscaler, KEDA (which makes one), the backend, or we."""

    HPA = "hpa"
    KEDA = "keda"
    BACKEND = "backend"
    NONE = "none"


class Via(StrEnum):
    """Where an HPA finds a metric: on each pod, or on the model's Service (from a recording rule of ours)."""

    PODS = "pods"
    SERVICE = "service"


@dataclass(frozen=True)
class MetricRule:
    """A metric that prometheus-adapter serves to HPAs."""

    series: str
    """What the query reads."""
    name: str
    """Under which it is served."""
    source: str
    query: str = "sum by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>})"
    """PromQL with the adapter's own `<<...>>`."""
    via: Via = Via.PODS
    """The Kubernetes object it belongs to."""


@dataclass(frozen=True)
class ScalingMetric:
    """One number that replicas follow."""

    kind: str
    rule: MetricRule
    """How an HPA gets at it."""
    query: str
    """The whole model's number as PromQL, which KEDA asks for."""
    value_type: str
    """AverageValue (divided by the replicas, for what adds up over them) or Value (for what does not, as a latency)."""
    target: float
    """In `unit`; per replica where it is an AverageValue."""
    unit: str
    why: str
    window_seconds: int = 60
    """Over which rates are taken."""
    quantile: float = 0.95
    """Of a latency."""


@dataclass(frozen=True)
class ScalingRulePlan:
    """One direction of the HPA's behaviour; of two limits per period the larger counts."""

    window_seconds: int
    pods: int
    period_seconds: int
    percent: int | None = None


@dataclass(frozen=True)
class SchedulePlan:
    """A floor of replicas between two cron moments of a time zone."""

    time_zone: str
    start: str
    end: str
    min_replicas: int
    """At least so many."""


@dataclass(frozen=True)
class ZeroPlan:
    """How a model comes from zero replicas and returns to it."""

    wake_query: str
    """Requests that wait in front of the model, counted by what lives while no pod does."""
    wake_target: float
    """Waiting requests that one replica takes."""
    busy_query: str
    """Requests in the model's pods; while they or waiting ones are above 0, or a schedule holds, one replica stays."""
    busy_target: float
    idle_seconds: int
    """After that the last one goes."""


@dataclass(frozen=True)
class AutoscalingPlan:
    """What moves the replicas of one model, between which bounds, and how fast.

    Of kind `none` only the bounds count, and they are equal; of kind `backend` also the target of the one metric, which
    the backend counts itself, and both windows.
    """

    kind: ScalerKind
    min_replicas: int
    max_replicas: int
    metrics: tuple[ScalingMetric, ...]
    scale_up: ScalingRulePlan
    scale_down: ScalingRulePlan
    recordings: tuple[RecordingRulePlan, ...] = ()
    """Evaluated every `rule_interval_seconds`."""
    rule_interval_seconds: int = 15
    schedules: tuple[SchedulePlan, ...] = ()
    polling_seconds: int = 15
    zero: ZeroPlan | None = None
    """Only where `min_replicas` is 0."""
    demand: Demand | None = None
    """What the demand's recordings say, for the simulator."""

    @property
    def fixed_replicas(self) -> int | None:
        """The number that the Deployment itself holds; None: an autoscaler owns it."""
        return self.min_replicas if self.kind is ScalerKind.NONE else None
