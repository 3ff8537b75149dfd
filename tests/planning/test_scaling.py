from __future__ import annotations

import pytest

from planning.cold_start import seconds
from planning.model import Severity
from planning.scaling import LONGEST_WINDOW_SECONDS, default_scale_down
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

MOVES = {"minReplicas": 1, "maxReplicas": 2}


@pytest.mark.parametrize(("cold", "window"), [(10, 300), (301, 360), (600, 600), (99_999, LONGEST_WINDOW_SECONDS)])
def test_the_default_window_is_longer_than_a_cold_start(cold: float, window: int) -> None:
    assert default_scale_down(cold).window_seconds == window


def test_a_window_shorter_than_a_cold_start_is_warned_of_with_both_numbers() -> None:
    down = {"windowSeconds": 60, "pods": 1, "periodSeconds": 60}
    plan = planned(models=[model(autoscaling={**MOVES, "scaleDown": down})], nodePools=[pool(minNodes=2)])
    finding = next(each for each in plan.findings if each.rule == "down-window")
    assert finding.path == "models[0].autoscaling.scaleDown.windowSeconds"
    assert "60 s is shorter than a cold start" in finding.message
    assert str(default_scale_down(seconds(plan.models[0].cold_start)[1]).window_seconds) in finding.message


def test_zero_replicas_on_a_metric_of_pods_never_wake() -> None:
    found = errors(refusal(models=[model(autoscaling={"minReplicas": 0})]))
    assert "write 1" in found["models[0].autoscaling.minReplicas"]


def test_moving_replicas_need_monitoring_and_fixed_ones_do_not() -> None:
    found = errors(refusal(monitoring={"enabled": False}, models=[model(autoscaling=MOVES)]))
    assert "monitoring: {enabled: true}" in found["models[0].autoscaling.maxReplicas"]
    plan = planned(monitoring={"enabled": False})
    assert plan.monitoring is None
    assert plan.models[0].monitoring_namespace is None


def test_the_hpa_reads_the_queue_per_pod() -> None:
    scaling = planned(models=[model(autoscaling={**MOVES, "queueDepth": 7})]).models[0].autoscaling
    assert (scaling.metric.name, scaling.average_value) == ("vllm_queue_depth", 7)
    assert scaling.scale_up.window_seconds == 0


def test_a_budget_that_lets_all_replicas_go_is_warned_of() -> None:
    plan = planned(
        models=[model(autoscaling={"minReplicas": 2, "maxReplicas": 2}, disruptionBudget={"maxUnavailable": 2})],
        nodePools=[pool(minNodes=2)],
    )
    assert "budget-everything" in rules(plan.findings, Severity.WARNING)
