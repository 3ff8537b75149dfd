"""Replicas: who moves them, by which numbers, how fast; windows held against the cold start.

What cannot work is refused in `planning/scaling/checks.py`. The default follows the plan's own capacity
(`planning/scaling/policy.py`, the function that the simulator runs too).
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

from planning.findings import Findings
from planning.model import (
    AutoscalingPlan,
    RecordingRulePlan,
    ScalerKind,
    ScalingMetric,
    ScalingRulePlan,
    SchedulePlan,
    ZeroPlan,
)
from planning.model.demand import Capacity
from planning.scaling.learning_checks import is_learned
from planning.scaling.metric_table import adapter_rule, expression, pods_selector, query, row_for, service_selector
from planning.scaling.policy import LONGEST_WINDOW_SECONDS, Direction, ScalingDecision, decide, tuning_for
from planning.scaling.replica import replica_capacity
from planning.scaling.schedule import UnsupportedWindow, WeeklyWindow, schedule_expr, weekly_window
from planning.scaling.targets import default_target
from planning.throughput.serving_rates import ServingRates
from planning.versions.vllm_versions import Version
from settings.autoscaling import (
    Autoscaling,
    BackendScaling,
    HpaScaling,
    KedaScaling,
    Metric,
    MetricKind,
    NoScaling,
    ScalingRule,
)
from settings.demand import TrafficShape
from settings.models import Model

# Down: what AWS' own guide and most peers use (docs of KEDA on EKS, vLLM production-stack).
SHORTEST_DOWN_WINDOW_SECONDS = 300
DEFAULT_UP = ScalingRulePlan(0, 2, 60)
# Without an architecture a replica's capacity is unknown: the queue, which comes late, and the batch are left.
SCHEDULE = "schedule"
FALLBACK = (MetricKind.QUEUE_DEPTH, MetricKind.RUNNING)
# A rate needs two samples.
SAMPLES_OF_A_RATE = 4


@dataclass(frozen=True)
class ScalingInputs:
    """What a model's scaling follows from. `rates` None: its architecture is not `known`, or no cache fits its GPU.

    `pods`: a regular expression of the names of those that serve it.
    """

    model: Model
    version: Version
    rates: ServingRates | None
    cold_start_seconds: tuple[float, float]
    scrape_interval_seconds: int
    monitoring: bool
    known: bool = True
    pods: str = ""

    @property
    def capacity(self) -> Capacity | None:
        """What one replica does within the model's SLO."""
        if self.rates is None:
            return None
        slo = self.model.slo
        first, per_token = slo.time_to_first_token_seconds, slo.time_per_output_token_seconds
        return replica_capacity(self.rates, first, per_token, slo.share)

    @property
    def window_seconds(self) -> int:
        """Over how long rates are taken."""
        return max(60, SAMPLES_OF_A_RATE * self.scrape_interval_seconds)


def default_scale_down(cold_start_seconds: float) -> ScalingRulePlan:
    """A window longer than a cold start, one pod every two minutes: a replica let go too early costs a cold start."""
    window = math.ceil(max(SHORTEST_DOWN_WINDOW_SECONDS, cold_start_seconds) / 60) * 60
    return ScalingRulePlan(min(window, LONGEST_WINDOW_SECONDS), 1, 120)


def plan_autoscaling(inputs: ScalingInputs, path: str, findings: Findings) -> AutoscalingPlan:
    """Who moves the model's replicas; `path` is the setting's, e.g. `models[0].autoscaling`."""
    autoscaling = inputs.model.autoscaling
    fixed = autoscaling.min_replicas == autoscaling.max_replicas
    if isinstance(autoscaling, BackendScaling):
        return _by_backend(inputs, autoscaling)
    if isinstance(autoscaling, NoScaling) or (fixed and not inputs.monitoring):
        down = default_scale_down(inputs.cold_start_seconds[1])
        return AutoscalingPlan(
            ScalerKind.NONE, autoscaling.min_replicas, autoscaling.max_replicas, (), DEFAULT_UP, down
        )
    decision = _decision(inputs)
    metrics = _metrics(inputs, decision, path, findings)
    follows = decision if any(metric.kind == MetricKind.DEMAND for metric in metrics) else None
    up, down = _directions(inputs, autoscaling, follows, path, findings)
    if isinstance(autoscaling, HpaScaling):
        metrics += _scheduled(inputs, autoscaling)
    plan = AutoscalingPlan(
        kind=ScalerKind(autoscaling.kind),
        min_replicas=autoscaling.min_replicas,
        max_replicas=autoscaling.max_replicas,
        metrics=metrics,
        scale_up=up,
        scale_down=down,
        recordings=_recordings(inputs, metrics, decision),
        rule_interval_seconds=inputs.scrape_interval_seconds,
        schedules=tuple(SchedulePlan(s.time_zone, s.start, s.end, s.min_replicas) for s in autoscaling.schedules),
        demand=None if follows is None else follows.demand,
    )
    return _with_keda(plan, inputs, autoscaling) if isinstance(autoscaling, KedaScaling) else plan


def _by_backend(inputs: ScalingInputs, scaling: BackendScaling) -> AutoscalingPlan:
    """One number, which the backend counts itself; what it scrapes or asks for is its own business."""
    down = default_scale_down(inputs.cold_start_seconds[1])
    if scaling.scale_down_delay_seconds is not None:
        down = replace(down, window_seconds=scaling.scale_down_delay_seconds)
    target = scaling.target_in_flight or default_target(
        MetricKind.IN_FLIGHT, inputs.model, inputs.capacity, inputs.rates
    )
    metric = _metric_of(inputs, MetricKind.IN_FLIGHT.value, target or 1.0)
    up = replace(DEFAULT_UP, window_seconds=scaling.scale_up_delay_seconds)
    return AutoscalingPlan(ScalerKind.BACKEND, scaling.min_replicas, scaling.max_replicas, (metric,), up, down)


def shape_of(model: Model) -> str:
    """Of the model's traffic; that of the default where none is declared."""
    return (TrafficShape.DIURNAL if model.traffic is None else model.traffic.shape).value


def _decision(inputs: ScalingInputs) -> ScalingDecision | None:
    what, autoscaling = inputs.capacity, inputs.model.autoscaling
    if what is None:
        return None
    usual = tuning_for(shape_of(inputs.model))
    # Two samples per window at least, or the rate is never there.
    tuning = replace(
        usual,
        rate_seconds=max(usual.rate_seconds, 2 * inputs.scrape_interval_seconds),
        learns=is_learned(inputs.model, inputs.version),
    )
    cold = sum(inputs.cold_start_seconds) / 2
    scrape = inputs.scrape_interval_seconds
    return decide(what, cold, autoscaling.min_replicas, autoscaling.max_replicas, tuning, scrape_seconds=scrape)


def _metrics(
    inputs: ScalingInputs, decision: ScalingDecision | None, path: str, findings: Findings
) -> tuple[ScalingMetric, ...]:
    autoscaling = inputs.model.autoscaling
    assert isinstance(autoscaling, HpaScaling | KedaScaling)
    if autoscaling.metrics:
        return tuple(_metric(inputs, metric) for metric in autoscaling.metrics)
    if decision is not None:
        return (_metric(inputs, Metric(kind=MetricKind.DEMAND)),)
    if autoscaling.min_replicas != autoscaling.max_replicas:
        why = "does not fit its GPU by our estimate" if inputs.known else "is not in the table"
        findings.warning(
            f"{path}.metrics",
            "scaling-fallback",
            f"{inputs.model.model_id} {why}, so the capacity of one replica is unknown: replicas follow requests "
            "waiting and running, which moves late",
            "write metrics: [{kind: inFlight, target: <requests one replica carries within its SLO>}]",
        )
    return tuple(_metric(inputs, Metric(kind=kind)) for kind in FALLBACK)


def _metric(inputs: ScalingInputs, metric: Metric) -> ScalingMetric:
    usual = default_target(metric.kind, inputs.model, inputs.capacity, inputs.rates)
    return _metric_of(inputs, metric.kind.value, metric.target or usual or 1.0)


def _metric_of(inputs: ScalingInputs, kind: str, target: float) -> ScalingMetric:
    model, row = inputs.model, row_for(kind, inputs.version)
    return ScalingMetric(
        kind=kind,
        rule=adapter_rule(row, inputs.window_seconds),
        query=query(row, model.namespace, model.name, inputs.window_seconds),
        value_type=row.value_type,
        target=target,
        unit=row.unit,
        why=row.why,
        window_seconds=inputs.window_seconds,
        quantile=_quantile(inputs, kind),
    )


def _scheduled(inputs: ScalingInputs, scaling: HpaScaling) -> tuple[ScalingMetric, ...]:
    """An HPA knows no time: what is recorded of the schedules is one more number it follows."""
    return (_metric_of(inputs, SCHEDULE, 1.0),) if _windows(scaling) else ()


def _windows(autoscaling: Autoscaling) -> list[tuple[WeeklyWindow, int]]:
    """The windows of an HPA's schedules; those that PromQL cannot say were refused."""
    windows = []
    for schedule in autoscaling.schedules if isinstance(autoscaling, HpaScaling) else ():
        with suppress(UnsupportedWindow):
            windows.append((weekly_window(schedule.time_zone, schedule.start, schedule.end), schedule.min_replicas))
    return windows


def _recordings(
    inputs: ScalingInputs, metrics: tuple[ScalingMetric, ...], decision: ScalingDecision | None
) -> tuple[RecordingRulePlan, ...]:
    """What is recorded once per model: the demand, and every number that no pod has alone."""
    model = inputs.model
    labels = {"namespace": model.namespace, "service": model.name}
    rules: dict[str, str] = {}
    for metric in metrics:
        row = row_for(metric.kind, inputs.version)
        if metric.kind == MetricKind.DEMAND and decision is not None:
            pods, own = pods_selector(model.namespace, model.name), service_selector(model.namespace, model.name)
            rules |= decision.demand.rules(pods, own)
        elif metric.kind == SCHEDULE:
            rules[row.record] = schedule_expr(_windows(model.autoscaling))
        elif row.record:
            window, quantile = metric.window_seconds, metric.quantile
            expr = expression(row, model.namespace, model.name, window, quantile, inputs.pods)
            rules[row.record] = expr
    return tuple(RecordingRulePlan(name, text, labels) for name, text in rules.items())


def _quantile(inputs: ScalingInputs, kind: str) -> float:
    """As written for the metric of that kind."""
    autoscaling = inputs.model.autoscaling
    written = autoscaling.metrics if isinstance(autoscaling, HpaScaling | KedaScaling) else ()
    return next((metric.quantile for metric in written if metric.kind == kind), 0.95)


def _directions(
    inputs: ScalingInputs,
    scaling: HpaScaling | KedaScaling,
    decision: ScalingDecision | None,
    path: str,
    findings: Findings,
) -> tuple[ScalingRulePlan, ScalingRulePlan]:
    cold = inputs.cold_start_seconds[1]
    usual_up = DEFAULT_UP if decision is None else _of_policy(decision.up)
    usual_down = default_scale_down(cold) if decision is None else _of_policy(decision.down)
    down = scaling.scale_down
    if down is not None and scaling.min_replicas != scaling.max_replicas and down.window_seconds < cold:
        findings.warning(
            f"{path}.scaleDown.windowSeconds",
            "down-window",
            f"{down.window_seconds} s is shorter than a cold start of up to {math.ceil(cold)} s: replicas go and come "
            "again",
            f"write {default_scale_down(cold).window_seconds}",
        )
    return _as_written(scaling.scale_up) or usual_up, _as_written(down) or usual_down


def _as_written(rule: ScalingRule | None) -> ScalingRulePlan | None:
    if rule is None:
        return None
    return ScalingRulePlan(rule.window_seconds, rule.pods, rule.period_seconds, rule.percent)


def _of_policy(direction: Direction) -> ScalingRulePlan:
    return ScalingRulePlan(direction.window_seconds, direction.pods, direction.period_seconds, direction.percent)


def _with_keda(plan: AutoscalingPlan, inputs: ScalingInputs, scaling: KedaScaling) -> AutoscalingPlan:
    polled = replace(plan, polling_seconds=scaling.polling_interval_seconds)
    if scaling.min_replicas > 0 or scaling.wake is None:
        return polled
    model, row = inputs.model, row_for(MetricKind.IN_FLIGHT, inputs.version)
    holds = inputs.capacity.concurrency if inputs.capacity else float(model.max_num_seqs)
    zero = ZeroPlan(
        wake_query=scaling.wake.query,
        wake_target=scaling.wake.target or round(max(1.0, holds), 1),
        busy_query=query(row, model.namespace, model.name, inputs.window_seconds),
        # As a scaling metric it asks for no more than the others do.
        busy_target=float(model.max_num_seqs),
        idle_seconds=scaling.idle_seconds or default_scale_down(inputs.cold_start_seconds[1]).window_seconds,
    )
    return replace(polled, zero=zero)
