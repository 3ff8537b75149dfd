"""Canaries of models: how many pods are new at each step, what is measured at them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planning.alerts.model import job_selector
from planning.alerts.slo import error_ratio
from planning.alerts.table import SCRAPES_PER_RANGE, duration
from planning.findings import Findings
from planning.model import CanaryMetricPlan, CanaryPlan, CanaryStepPlan, ServedModel
from planning.versions.vllm_versions import version_of
from settings.models import Model
from settings.rollout import CanaryRollout
from settings.stack import StackSettings

OPERATOR = "argo-rollouts"
# What the controller writes for the hash of the newest pod template (AnalysisTemplate's argument).
HASH = "{{args.hash}}"
QUANTILE = 0.95
# Ours: often enough for ten looks at a step, seldom enough for Prometheus not to notice.
SHORTEST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS, LOOKS = 10, 60, 10
# One measurement above its limit is an accident, two of one step are not.
TOLERATED = 1
# Ours: a hundredth of the requests, however much slo.availability promises: few requests make coarse shares.
LEAST_FAILED_SHARE = 0.01
COARSE = 2.0


def with_canaries(models: Sequence[ServedModel], settings: StackSettings, findings: Findings) -> list[ServedModel]:
    """The models, those with rollout.kind canary as Rollouts."""
    asked = {model.name: (f"models[{index}].rollout", model) for index, model in enumerate(settings.models)}
    return [_with_canary(model, *asked[model.name], findings) for model in models]


def _with_canary(served: ServedModel, path: str, model: Model, findings: Findings) -> ServedModel:
    wanted = model.rollout
    if not isinstance(wanted, CanaryRollout) or model.nodes > 1:  # which is refused (planning/serving/groups.py)
        return served
    _check(served, wanted, path, findings)
    interval = min(step.seconds for step in wanted.steps) // LOOKS
    interval = min(LONGEST_INTERVAL_SECONDS, max(SHORTEST_INTERVAL_SECONDS, interval))
    window = max(SCRAPES_PER_RANGE * served.scrape_interval_seconds, 2 * interval)
    steps = tuple(_step(step.weight, step.seconds, interval, window) for step in wanted.steps)
    _tell_longer(steps, wanted, window, path, findings)
    plan = CanaryPlan(
        steps=steps,
        metrics=tuple(_metrics(served, model, wanted, duration(window))),
        interval_seconds=interval,
        delay_seconds=window,
        tolerated=TOLERATED,
    )
    # kube-state-metrics knows no Rollouts: as with other backends without a Deployment the pods are counted.
    return replace(served, canary=plan, deployment_suffix=None, operators=(*served.operators, OPERATOR))


def _step(weight: int, seconds: int, interval: int, window: int) -> CanaryStepPlan:
    """`seconds`: as it is asked; a step ends with its last measurement, so that a short one takes longer."""
    measurements = max(TOLERATED + 1, (seconds - window) // interval + 1)
    return CanaryStepPlan(weight, window + (measurements - 1) * interval, measurements, measurements // 2)


def _tell_longer(
    steps: Sequence[CanaryStepPlan], wanted: CanaryRollout, window: int, path: str, findings: Findings
) -> None:
    # With a longer step the interval grows to its tenth, so that the delay is to fit into the rest of it.
    enough = -(-window * LOOKS // (LOOKS - 1))
    for index, (step, asked) in enumerate(zip(steps, wanted.steps, strict=True)):
        if step.seconds > asked.seconds:
            findings.warning(
                f"{path}.steps[{index}].seconds", "canary-short",
                f"{asked.seconds} s are too few for {step.measurements} measurements: the step takes {step.seconds} s",
                f"write {max(step.seconds, enough)} or more",
            )  # fmt: skip


def canary_pods(replicas: int, weight: int, surge: bool) -> tuple[int, int]:
    """New pods and all pods at a weight, %, as Argo Rollouts chooses them: the nearest share that leaves one of each.

    argo-rollouts, utils/replicaset/canary.go (approximateWeightedCanaryStableReplicaCounts).
    """
    up, down = -(-replicas * weight // 100), replicas * weight // 100
    options = [(up, replicas)] if up < replicas else []
    options += [(down, replicas)] if down and replicas * weight % 100 != 50 else []
    if surge:
        options.append((up, replicas + 1))
        options += [(down, replicas + 1)] if down and (replicas + 1) * weight % 100 != 50 else []
    return min(options, key=lambda pods: abs(100 * pods[0] / pods[1] - weight), default=(replicas, replicas))


def _check(served: ServedModel, wanted: CanaryRollout, path: str, findings: Findings) -> None:
    least = served.autoscaling.min_replicas
    if served.monitoring_namespace is None:
        findings.error(
            f"{path}.kind", "canary-monitoring", "nothing measures new pods in a stack without monitoring",
            "write monitoring: {enabled: true}, or leave rollout out",
        )  # fmt: skip
    if least == 0:
        findings.error(
            f"{path}.kind", "canary-zero", "at zero replicas there is no new pod to measure (autoscaling.minReplicas)",
            "write autoscaling.minReplicas: 1, or leave rollout out",
        )  # fmt: skip
    elif least == 1 and served.max_surge == 0:
        findings.error(
            f"{path}.kind", "canary-room",
            f"the one pod would leave before the new one starts: pool {served.pool} has no GPU for a second one, and "
            "nothing is left to go back to",
            f"raise maxNodes of pool {served.pool} by one, or write autoscaling.minReplicas: 2",
        )  # fmt: skip
    else:
        first = wanted.steps[0]
        new, pods = canary_pods(least, first.weight, served.max_surge > 0)
        if 100 * new / pods > COARSE * first.weight:
            findings.warning(
                f"{path}.steps[0].weight", "canary-coarse",
                f"{first.weight} % of {least} replicas is {new} of {pods} pods: {round(100 * new / pods)} % of the "
                "requests",
                f"count with that share, or raise autoscaling.minReplicas (now {least})",
            )  # fmt: skip


def _metrics(served: ServedModel, model: Model, wanted: CanaryRollout, window: str) -> Iterator[CanaryMetricPlan]:
    """Of the new pods alone, by the hash in their names."""
    pods = f'{job_selector(served)},pod=~"{served.name}-{HASH}-.*"'
    first = wanted.time_to_first_token_seconds or model.slo.time_to_first_token_seconds
    further = wanted.time_per_output_token_seconds or model.slo.time_per_output_token_seconds
    failed = wanted.failed_share or max(LEAST_FAILED_SHARE, 10 * (1 - model.slo.availability))
    yield CanaryMetricPlan(
        "time-to-first-token", _quantile("time_to_first_token_seconds", pods, window), first,
        "95 of 100 first tokens within, s",
    )  # fmt: skip
    yield CanaryMetricPlan(
        "time-per-output-token", _quantile("request_time_per_output_token_seconds", pods, window), further,
        "95 of 100 further tokens within, s",
    )  # fmt: skip
    errors = error_ratio(pods, version_of(served.vllm_version)).replace("%s", window)
    yield CanaryMetricPlan("failed-share", errors, round(failed, 6), "share of requests that failed")


def _quantile(histogram: str, pods: str, window: str) -> str:
    return f"histogram_quantile({QUANTILE}, sum by (le) (rate(vllm:{histogram}_bucket{{{pods}}}[{window}])))"
