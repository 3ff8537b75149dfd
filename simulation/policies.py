"""The policies that are compared, by name. Sources of other people's parameters: docs/autoscaling.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planning.model.demand import Capacity
from planning.scaling.policy import Direction, ScalingDecision, Tuning, decide, tuning_for
from settings.spelling import did_you_mean
from simulation.hpa import DEFAULT_UP, HpaMetric, HpaSpec, Policy, Rules
from simulation.oracle import Future
from simulation.scalers import Fixed, HpaScaler, KedaScaler, Query, Scaler, Scheduled, milli
from simulation.signals import DemandRule, averaged, cpu, per_pod, quantile, summed


@dataclass(frozen=True)
class Given:
    """What policies are made from. `future` and `best` are what schedule and oracle know; the others read neither.

    `best` None: no oracle was searched.
    """

    capacity: Capacity
    cold_start_seconds: float
    min_replicas: int
    max_replicas: int
    start_replicas: int
    future: Future
    best: Scheduled | None
    tuning: Tuning | None = None


def fixed_minimum(setting: Given) -> Scaler:
    """Never more than the minimum."""
    return Fixed("fixed-minimum", max(1, setting.min_replicas))


def fixed_maximum(setting: Given) -> Scaler:
    """Always the maximum."""
    return Fixed("fixed-maximum", setting.max_replicas)


def hpa_cpu(setting: Given) -> Scaler:
    """HPA on 80 % of 4 CPUs: the negative control."""
    spec = HpaSpec(setting.min_replicas, setting.max_replicas, (HpaMetric("cpu", "cpu", 80),))
    return HpaScaler("hpa-cpu", spec, {"cpu": cpu}, setting.start_replicas, cpu_request_milli=4000)


def hpa_queue(setting: Given) -> Scaler:
    """What guides write: 5 requests waiting per pod, windows 60 and 300 s, one pod per 120 s."""
    spec = HpaSpec(
        setting.min_replicas,
        setting.max_replicas,
        (HpaMetric("waiting", "pods", milli(5)),),
        up=Rules(60, (Policy("Pods", 1, 120),)),
        down=Rules(300, (Policy("Pods", 1, 120),)),
    )
    return HpaScaler("hpa-queue", spec, {"waiting": per_pod(lambda pod: pod.waiting)}, setting.start_replicas)


def keda_production_stack(setting: Given) -> Scaler:
    """KEDA as production-stack's chart ships it: 5 waiting, polling 15 s, cooldown 360 s, an HPA without behavior.

    The chart's query names a label that vLLM does not have; here it matches, or the policy would never scale.
    """
    spec = HpaSpec(max(1, setting.min_replicas), setting.max_replicas, (HpaMetric("waiting", "external", milli(5)),))
    return KedaScaler(
        "keda-production-stack",
        spec,
        {"waiting": summed(lambda pod: pod.waiting)},
        setting.start_replicas,
        setting.min_replicas,
        polling_seconds=15.0,
        cooldown_seconds=360.0,
    )


def keda_aws(setting: Given) -> Scaler:
    """KEDA as AWS' EKS guide writes it: 25 waiting, and a p95 of 5 s end to end over a minute, both AverageValue.

    Up 30 s with 2 pods per 60 s, down 300 s with 1 per 120 s. As an AverageValue the latency is divided by the
    replicas, so that more of them are allowed to be slower: that is how it is written.
    """
    spec = HpaSpec(
        max(1, setting.min_replicas),
        setting.max_replicas,
        (HpaMetric("waiting", "external", milli(25)), HpaMetric("latency", "external", milli(5))),
        up=Rules(30, (Policy("Pods", 2, 60),)),
        down=Rules(300, (Policy("Pods", 1, 120),), "Min"),
    )
    queries = {
        "waiting": summed(lambda pod: pod.waiting, or_zero=True),
        "latency": quantile(lambda seen: seen.end_to_end, 0.95, 60.0),
    }
    activation = {"waiting": milli(1)}
    return KedaScaler("keda-aws", spec, queries, setting.start_replicas, setting.min_replicas, activation)


def concurrency(setting: Given) -> Scaler:
    """Requests in flight per pod, at 70 % of the knee."""
    target = milli(max(1.0, 0.7 * setting.capacity.concurrency))
    metric = HpaMetric("in_flight", "pods", target)
    return _reactive("concurrency", setting, metric, {"in_flight": per_pod(lambda pod: pod.in_flight)})


def token_rate(setting: Given) -> Scaler:
    """Prompt and output tokens per second over two minutes, as shares of what one replica does, at 70 %."""
    load = averaged(lambda total: setting.capacity.share(total.prompt_rate, total.output_rate), 120.0)
    return _reactive("token-rate", setting, HpaMetric("load", "external", milli(0.7)), {"load": load})


def schedule(setting: Given) -> Scaler:
    """A cron by the hour, from what each hour of the trace's first day needed."""
    from_seconds, replicas = setting.future.hourly(setting.min_replicas, setting.max_replicas)
    return Scheduled("schedule", from_seconds, replicas, repeat_seconds=86_400.0)


def default(setting: Given, tuning: Tuning | None = None) -> Scaler:
    """Ours: `planning.scaling.policy.decide`."""
    tuned = tuning or setting.tuning or tuning_for()
    decision = decide(setting.capacity, setting.cold_start_seconds, setting.min_replicas, setting.max_replicas, tuned)
    return from_decision(tuned.name, decision, setting.start_replicas)


def oracle(setting: Given) -> Scaler:
    """Knows every arrival: the cheapest plan that was found, replicas started a cold start ahead."""
    if setting.best is None:
        raise LookupError("policy oracle: its plan was not searched; ask for it with --oracle")
    return setting.best


def from_decision(name: str, decision: ScalingDecision, start_replicas: int) -> Scaler:
    """The HPA that a decision describes."""
    spec = HpaSpec(
        decision.min_replicas,
        decision.max_replicas,
        (HpaMetric("demand", "external", milli(1)),),
        up=_rules(decision.up),
        down=_rules(decision.down),
    )
    return HpaScaler(name, spec, {"demand": DemandRule(decision.demand)}, start_replicas)


POLICIES: Mapping[str, Callable[[Given], Scaler]] = {
    "fixed-minimum": fixed_minimum,
    "fixed-maximum": fixed_maximum,
    "hpa-cpu": hpa_cpu,
    "hpa-queue": hpa_queue,
    "keda-production-stack": keda_production_stack,
    "keda-aws": keda_aws,
    "concurrency": concurrency,
    "token-rate": token_rate,
    "schedule": schedule,
    "default": default,
    "oracle": oracle,
}


def policy(name: str) -> Callable[[Given], Scaler]:
    """The policy of that name; raises LookupError with the nearest names."""
    build = POLICIES.get(name)
    if build is None:
        near = did_you_mean(name, POLICIES, cutoff=0.5)
        hint = near and f"; {near}"
        raise LookupError(f"no policy {name!r}{hint} (policies: {', '.join(POLICIES)})")
    return build


def _reactive(name: str, setting: Given, metric: HpaMetric, queries: Mapping[str, Query]) -> Scaler:
    window = min(3600, max(300, 60 * round(setting.cold_start_seconds / 60)))
    spec = HpaSpec(
        setting.min_replicas, setting.max_replicas, (metric,), DEFAULT_UP, Rules(window, (Policy("Pods", 1, 60),))
    )
    return HpaScaler(name, spec, queries, setting.start_replicas)


def _rules(direction: Direction) -> Rules:
    period = direction.period_seconds
    policies = (Policy("Pods", direction.pods, period), Policy("Percent", direction.percent, period))
    return Rules(direction.window_seconds, policies)
