"""Replicas: an HPA on requests waiting per pod, its windows held against the cold start."""

from __future__ import annotations

import math

from planning.findings import Findings
from planning.model import AutoscalingPlan, MetricRule, ScalingRulePlan
from settings.models import Autoscaling

QUEUE_DEPTH = MetricRule(
    series="vllm:num_requests_waiting",
    name="vllm_queue_depth",
    source="vllm/v1/metrics/loggers.py, gauge with labels model_name and engine, in every version of facts/vllm.csv",
)
# Down: what AWS' own guide and most peers use (docs of KEDA on EKS, vLLM production-stack).
SHORTEST_DOWN_WINDOW_SECONDS = 300
LONGEST_WINDOW_SECONDS = 3600  # autoscaling/v2 refuses more


def default_scale_down(cold_start_seconds: float) -> ScalingRulePlan:
    """A window longer than a cold start, one pod every two minutes: a replica let go too early costs a cold start."""
    window = math.ceil(max(SHORTEST_DOWN_WINDOW_SECONDS, cold_start_seconds) / 60) * 60
    return ScalingRulePlan(min(window, LONGEST_WINDOW_SECONDS), 1, 120)


def check_autoscaling(autoscaling: Autoscaling, monitoring: bool, path: str, findings: Findings) -> None:
    """What cannot work on any node; `path` is the setting's, e.g. `models[0].autoscaling`."""
    if autoscaling.min_replicas == 0:
        findings.error(
            f"{path}.minReplicas",
            "scale-to-zero",
            f"0: {QUEUE_DEPTH.series} exists only while a pod lives, so nothing would ever wake it; write 1",
        )
    if _moves(autoscaling) and not monitoring:
        findings.error(
            f"{path}.maxReplicas",
            "no-metrics",
            f"{autoscaling.max_replicas} replicas by queue depth need Prometheus and the metrics adapter; write "
            f"monitoring: {{enabled: true}} or maxReplicas: {max(1, autoscaling.min_replicas)}",
        )


def plan_autoscaling(
    autoscaling: Autoscaling, cold_start_seconds: float, path: str, findings: Findings
) -> AutoscalingPlan:
    """The HPA of one model, its windows held against a cold start of up to that many seconds."""
    up = autoscaling.scale_up
    down = default_scale_down(cold_start_seconds)
    if autoscaling.scale_down is not None:
        wanted = autoscaling.scale_down
        if _moves(autoscaling) and wanted.window_seconds < cold_start_seconds:
            findings.warning(
                f"{path}.scaleDown.windowSeconds",
                "down-window",
                f"{wanted.window_seconds} s is shorter than a cold start of up to {math.ceil(cold_start_seconds)} s: "
                f"replicas go and come again; write {down.window_seconds}",
            )
        down = ScalingRulePlan(wanted.window_seconds, wanted.pods, wanted.period_seconds)
    return AutoscalingPlan(
        min_replicas=autoscaling.min_replicas,
        max_replicas=autoscaling.max_replicas,
        metric=QUEUE_DEPTH,
        average_value=autoscaling.queue_depth,
        scale_up=ScalingRulePlan(up.window_seconds, up.pods, up.period_seconds),
        scale_down=down,
    )


def _moves(autoscaling: Autoscaling) -> bool:
    return autoscaling.min_replicas != autoscaling.max_replicas
