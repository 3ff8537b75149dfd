"""The autoscaling that a stack file describes, as the simulator runs it: what is rendered, from the plan it is rendered
from (`tests/components/serving/test_simulated_scaling.py` holds the two together).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from planning.model import AutoscalingPlan, ScalerKind, ScalingMetric, ScalingRulePlan, Via
from simulation.hpa import HpaMetric, HpaSpec, Policy, Rules
from simulation.metrics import PodSample
from simulation.scalers import Fixed, HpaScaler, KedaScaler, Query, Scaler, milli
from simulation.signals import (
    DemandRule,
    Recorded,
    busy_percent,
    per_pod,
    pod_rates,
    quantile,
    summed,
    summed_rates,
)

OWN_POLICY = "stack"
_GAUGES: Mapping[str, Callable[[PodSample], float]] = {
    "queueDepth": lambda pod: pod.waiting,
    "inFlight": lambda pod: pod.in_flight,
    "running": lambda pod: pod.running,
    "kvCacheUsage": lambda pod: pod.kv_usage,
}
_SIMULATED = {*_GAUGES, "demand", "tokensPerSecond", "timeToFirstToken", "gpuUtilization"}


def not_simulated(plan: AutoscalingPlan) -> str | None:
    """What of it the simulator has no model of; None where it has one of everything."""
    if plan.kind is ScalerKind.BACKEND:
        return "the autoscaler of the model's backend is not simulated"
    if plan.schedules or any(metric.kind == "schedule" for metric in plan.metrics):
        return "schedules are not simulated"
    unknown = [metric.kind for metric in plan.metrics if metric.kind not in _SIMULATED]
    if unknown:
        return f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not simulated"
    if any(metric.kind == "demand" for metric in plan.metrics) and plan.demand is None:
        return "the capacity of one replica of this model is unknown, so its demand is not simulated"
    return "what waits in front of zero replicas is not simulated" if plan.zero is not None else None


def own_scaler(plan: AutoscalingPlan, start_replicas: int) -> Scaler:
    """The scaler of a plan. Raises ValueError for what is not simulated."""
    reason = not_simulated(plan)
    if reason is not None:
        raise ValueError(reason)
    if plan.kind is ScalerKind.NONE:
        return Fixed(OWN_POLICY, plan.min_replicas)
    queries = {metric.kind: _query(plan, metric) for metric in plan.metrics}
    spec = own_spec(plan)
    if plan.kind is ScalerKind.HPA:
        return HpaScaler(OWN_POLICY, spec, queries, start_replicas)
    return KedaScaler(
        OWN_POLICY, spec, queries, start_replicas, plan.min_replicas, polling_seconds=float(plan.polling_seconds)
    )


def own_spec(plan: AutoscalingPlan) -> HpaSpec:
    """The HPA that is rendered, or that KEDA makes of the ScaledObject (which has no fewer than one replica)."""
    metrics = tuple(HpaMetric(metric.kind, _kind(plan, metric), _target_milli(plan, metric)) for metric in plan.metrics)
    up, down = _rules(plan.scale_up), _rules(plan.scale_down)
    return HpaSpec(max(1, plan.min_replicas), plan.max_replicas, metrics, up=up, down=down)


def _kind(plan: AutoscalingPlan, metric: ScalingMetric) -> Literal["pods", "external", "external-value"]:
    """A Pods metric, an object's or KEDA's with AverageValue, or one with Value."""
    if metric.value_type == "Value":
        return "external-value"
    return "pods" if _by_pod(plan, metric) else "external"


def _by_pod(plan: AutoscalingPlan, metric: ScalingMetric) -> bool:
    return plan.kind is ScalerKind.HPA and metric.rule.via is Via.PODS


def _target_milli(plan: AutoscalingPlan, metric: ScalingMetric) -> int:
    """As it is written: an HPA's in thousandths, KEDA's threshold with six digits, which KEDA cuts to thousandths."""
    return round(metric.target * 1000) if plan.kind is ScalerKind.HPA else milli(float(f"{metric.target:g}"))


def _query(plan: AutoscalingPlan, metric: ScalingMetric) -> Query:
    every = float(plan.rule_interval_seconds)
    if metric.kind == "demand":
        assert plan.demand is not None
        return Recorded(DemandRule(plan.demand), every)
    if metric.kind == "timeToFirstToken":
        return Recorded(quantile(lambda seen: seen.first_token, metric.quantile, metric.window_seconds), every)
    if metric.kind == "gpuUtilization":
        return Recorded(busy_percent, every)
    if metric.kind == "tokensPerSecond":
        return (pod_rates if _by_pod(plan, metric) else summed_rates)(metric.window_seconds)
    return (per_pod if _by_pod(plan, metric) else summed)(_GAUGES[metric.kind])


def _rules(rule: ScalingRulePlan) -> Rules:
    policies = [Policy("Pods", rule.pods, rule.period_seconds)]
    if rule.percent is not None:
        policies.append(Policy("Percent", rule.percent, rule.period_seconds))
    return Rules(rule.window_seconds, tuple(policies))
