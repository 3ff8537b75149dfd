"""The autoscaling that a stack file describes, as the simulator runs it: the plan's own numbers, bounds and windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planning.model import AutoscalingPlan, ScalerKind, ScalingMetric, ScalingRulePlan
from planning.scaling.policy import ScalingDecision
from planning.simulation.hpa import HpaSpec, Metric, Policy, Rules
from planning.simulation.metrics import Total
from planning.simulation.scalers import Fixed, HpaScaler, KedaScaler, Query, Scaler, milli
from planning.simulation.signals import DemandRule, averaged

OWN_POLICY = "stack"
# Each adds up over replicas and is divided by them again, so the sum says the same as each pod's own number.
_TOTALS: Mapping[str, tuple[Callable[[Total], float], float]] = {
    "queueDepth": (lambda total: total.waiting, 15.0),
    "inFlight": (lambda total: total.in_flight, 15.0),
    "running": (lambda total: total.running, 15.0),
    "kvCacheUsage": (lambda total: total.kv_usage, 15.0),
    "tokensPerSecond": (lambda total: total.output_rate, 60.0),
}


def not_simulated(plan: AutoscalingPlan) -> str | None:
    """What of it the simulator has no model of; None where it has one of everything."""
    unknown = [metric.kind for metric in plan.metrics if metric.kind not in _TOTALS and metric.kind != "demand"]
    if unknown:
        return f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not simulated"
    if plan.schedules:
        return "schedules are not simulated"
    return "what waits in front of zero replicas is not simulated" if plan.zero is not None else None


def own_scaler(plan: AutoscalingPlan, decision: ScalingDecision | None, start_replicas: int) -> Scaler:
    """The scaler of a plan; `decision` where it follows the demand. Raises ValueError for what is not simulated."""
    reason = not_simulated(plan)
    if reason is not None:
        raise ValueError(reason)
    if plan.kind is ScalerKind.NONE:
        return Fixed(OWN_POLICY, plan.min_replicas)
    metrics = tuple(Metric(each.kind, "external", milli(each.target)) for each in plan.metrics)
    queries = {each.kind: _query(each, decision) for each in plan.metrics}
    spec = HpaSpec(
        max(1, plan.min_replicas), plan.max_replicas, metrics, up=_rules(plan.scale_up), down=_rules(plan.scale_down)
    )
    if plan.kind is ScalerKind.HPA:
        return HpaScaler(OWN_POLICY, spec, queries, start_replicas)
    return KedaScaler(
        OWN_POLICY, spec, queries, start_replicas, plan.min_replicas, polling_seconds=float(plan.polling_seconds)
    )


def _query(metric: ScalingMetric, decision: ScalingDecision | None) -> Query:
    if metric.kind != "demand":
        return averaged(*_TOTALS[metric.kind])
    if decision is None:
        raise ValueError("nobody knows what one replica of this model carries, so its demand is not simulated")
    return DemandRule(decision.demand)


def _rules(rule: ScalingRulePlan) -> Rules:
    policies = [Policy("Pods", rule.pods, rule.period_seconds)]
    if rule.percent is not None:
        policies.append(Policy("Percent", rule.percent, rule.period_seconds))
    return Rules(rule.window_seconds, tuple(policies))
