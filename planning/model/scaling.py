"""What moves a model's replicas. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planning.model.alerts import RecordingRulePlan
from planning.model.demand import Demand


class ScalerKind(StrEnum):
    """Who owns the number of replicas: a HorizontalPodAutoscaler, KEDA (which makes one), or we."""

    HPA = "hpa"
    KEDA = "keda"
    NONE = "none"


class Via(StrEnum):
    """Where an HPA finds a metric: on each pod, or on the model's Service (from a recording rule of ours)."""

    PODS = "pods"
    SERVICE = "service"


@dataclass(frozen=True)
class MetricRule:
    """A metric that prometheus-adapter serves to HPAs: `query` over `series`, under the name `name`.

    `via`: the Kubernetes object it belongs to. `query`: PromQL with the adapter's own `<<...>>`.
    """

    series: str
    name: str
    source: str
    query: str = "sum by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>})"
    via: Via = Via.PODS


@dataclass(frozen=True)
class ScalingMetric:
    """One number that replicas follow.

    `query`: the whole model's number as PromQL, which KEDA asks for; `rule`: how the HPA gets at it. `value_type`:
    AverageValue (divided by the replicas, for what adds up over them) or Value (for what does not, as a latency).
    `target` in `unit`, per replica where it is an AverageValue. Rates are taken over `window_seconds`; `quantile` of a
    latency.
    """

    kind: str
    rule: MetricRule
    query: str
    value_type: str
    target: float
    unit: str
    why: str
    window_seconds: int = 60
    quantile: float = 0.95


@dataclass(frozen=True)
class ScalingRulePlan:
    """One direction of the HPA's behaviour: `pods` or `percent` per period, whichever is more."""

    window_seconds: int
    pods: int
    period_seconds: int
    percent: int | None = None


@dataclass(frozen=True)
class SchedulePlan:
    """At least `min_replicas` between two cron moments of a time zone."""

    time_zone: str
    start: str
    end: str
    min_replicas: int


@dataclass(frozen=True)
class ZeroPlan:
    """How a model comes from zero replicas and goes there.

    `wake_query`: requests that wait in front of the model, counted by somebody who lives while no pod does; one
    replica takes `wake_target` of them. `busy_query`: requests in the model's pods; while either is above 0, or a
    schedule holds, one replica stays. `idle_seconds` after that the last one goes.
    """

    wake_query: str
    wake_target: float
    busy_query: str
    busy_target: float
    idle_seconds: int


@dataclass(frozen=True)
class AutoscalingPlan:
    """Who moves the replicas of one model, between which bounds, by what, and how fast.

    `recordings` are evaluated every `rule_interval_seconds`; `demand`: what those of the demand say, for the simulator.
    `zero` only where `min_replicas` is 0. Of kind `none` only the bounds count, and they are equal.
    """

    kind: ScalerKind
    min_replicas: int
    max_replicas: int
    metrics: tuple[ScalingMetric, ...]
    scale_up: ScalingRulePlan
    scale_down: ScalingRulePlan
    recordings: tuple[RecordingRulePlan, ...] = ()
    rule_interval_seconds: int = 15
    schedules: tuple[SchedulePlan, ...] = ()
    polling_seconds: int = 15
    zero: ZeroPlan | None = None
    demand: Demand | None = None

    @property
    def fixed_replicas(self) -> int | None:
        """The number that the Deployment itself holds; None: an autoscaler owns it."""
        return self.min_replicas if self.kind is ScalerKind.NONE else None
