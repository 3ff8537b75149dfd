"""What moves replicas: defaults from the plan's capacity, fallbacks, windows, KEDA and zero."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import AutoscalingPlan, ScalerKind, Severity, StackPlan, Via
from planning.model.demand import DEMAND_RULE, EXPECTED_RULE, LOAD_RULE
from planning.scaling.choose import LONGEST_WINDOW_SECONDS, default_scale_down
from planning.serving.cold_start import seconds
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

MOVES = {"minReplicas": 1, "maxReplicas": 2}
ZERO = {"kind": "keda", "minReplicas": 0, "maxReplicas": 2, "wake": {"query": 'sum(waiting{service="chat"})'}}
UNKNOWN = {"source": "nobody/new-7b-model"}


def _scaling(autoscaling: dict[str, Any], **changes: Any) -> AutoscalingPlan:
    return _plan(autoscaling, **changes).models[0].autoscaling


def _plan(autoscaling: dict[str, Any], **changes: Any) -> StackPlan:
    return planned(models=[model(autoscaling=autoscaling, **changes)], nodePools=[pool(minNodes=2)])


def _one(metric: dict[str, Any], **changes: Any) -> AutoscalingPlan:
    return _scaling({**MOVES, "metrics": [metric]}, **changes)


@pytest.mark.parametrize(("cold", "window"), [(10, 300), (301, 360), (600, 600), (99_999, LONGEST_WINDOW_SECONDS)])
def test_the_default_window_is_longer_than_a_cold_start(cold: float, window: int) -> None:
    assert default_scale_down(cold).window_seconds == window


def test_a_window_shorter_than_a_cold_start_is_warned_of_with_both_numbers() -> None:
    plan = _plan({**MOVES, "scaleDown": {"windowSeconds": 60, "pods": 1, "periodSeconds": 60}})
    finding = next(finding for finding in plan.findings if finding.rule == "down-window")
    assert finding.path == "models[0].autoscaling.scaleDown.windowSeconds"
    assert "60 s is shorter than a cold start" in finding.text
    assert str(default_scale_down(seconds(plan.models[0].cold_start)[1]).window_seconds) in finding.text


def test_a_known_model_follows_its_demand_in_replicas() -> None:
    plan = _plan(MOVES)
    scaling = plan.models[0].autoscaling
    (metric,) = scaling.metrics
    assert (scaling.kind, metric.kind, metric.target, metric.value_type) == (
        ScalerKind.HPA,
        "demand",
        1,
        "AverageValue",
    )
    names = [recording.record for recording in scaling.recordings]
    assert (names[0], names[-2:]) == (LOAD_RULE, [EXPECTED_RULE, DEMAND_RULE]), "what is learned stands between"
    assert all(recording.labels == {"namespace": "models", "service": "chat"} for recording in scaling.recordings)
    assert plan.monitoring is not None
    assert plan.monitoring.adapter_rules == (metric.rule,)
    assert metric.rule.series == DEMAND_RULE
    assert scaling.scale_up.window_seconds == 0
    assert plan.keda is None


def test_two_models_do_not_read_each_others_load() -> None:
    plan = planned(
        models=[model(autoscaling=MOVES), model(name="chat-large", autoscaling=MOVES)],
        nodePools=[pool(minNodes=4, maxNodes=4)],
    )
    first, second = (model.autoscaling.recordings for model in plan.models)
    assert 'job="models/chat"' in first[0].expr
    assert "chat-large" not in "".join(each.expr for each in first)
    own = ('job="models/chat-large"', 'namespace="models",service="chat-large"')
    assert all(any(matchers in each.expr for matchers in own) for each in second)
    assert not any('service="chat"' in each.expr or 'job="models/chat"' in each.expr for each in second)
    assert plan.monitoring is not None
    assert len(plan.monitoring.adapter_rules) == 1, "one rule serves both"


def test_a_rate_window_holds_two_scrapes() -> None:
    slow = planned(
        models=[model(autoscaling=MOVES)], nodePools=[pool(minNodes=2)], monitoring={"scrapeIntervalSeconds": 60}
    )
    assert "[120s]" in slow.models[0].autoscaling.recordings[0].expr
    assert slow.models[0].autoscaling.rule_interval_seconds == 60


def test_an_unknown_model_falls_back_to_queue_and_batch_and_says_so() -> None:
    plan = _plan(MOVES, **UNKNOWN)
    scaling = plan.models[0].autoscaling
    assert [metric.kind for metric in scaling.metrics] == ["queueDepth", "running"]
    assert scaling.recordings == ()
    finding = next(finding for finding in plan.findings if finding.rule == "scaling-fallback")
    assert (finding.path, finding.severity) == ("models[0].autoscaling.metrics", Severity.WARNING)
    assert "kind: inFlight" in finding.text


def test_targets_follow_the_plans_capacity() -> None:
    known = _one({"kind": "inFlight"}).metrics[0].target
    assert known != _one({"kind": "inFlight"}, **UNKNOWN).metrics[0].target == pytest.approx(0.7 * 64)
    assert _one({"kind": "tokensPerSecond"}).metrics[0].target > 100
    assert _one({"kind": "timeToFirstToken"}, slo={"timeToFirstTokenSeconds": 3}).metrics[0].target == 3
    assert _one({"kind": "queueDepth", "target": 7}).metrics[0].target == 7


def test_several_metrics_at_once_come_in_the_order_written() -> None:
    kinds = ["demand", "queueDepth", "kvCacheUsage", "timeToFirstToken"]
    plan = _plan({**MOVES, "metrics": [{"kind": kind} for kind in kinds]})
    assert [metric.kind for metric in plan.models[0].autoscaling.metrics] == kinds
    assert plan.monitoring is not None
    assert len(plan.monitoring.adapter_rules) == 4


def test_a_latency_is_never_divided_by_the_replicas() -> None:
    scaling = _one({"kind": "timeToFirstToken", "quantile": 0.9})
    (metric,) = scaling.metrics
    assert (metric.value_type, metric.rule.via) == ("Value", Via.SERVICE)
    assert "histogram_quantile(0.9," in scaling.recordings[0].expr


def test_the_queue_is_read_as_the_models_vllm_exports_it() -> None:
    new, old = _one({"kind": "queueDepth"}), _one({"kind": "queueDepth"}, image={"tag": "v0.18.0"})
    assert 'num_requests_waiting_by_reason{reason="capacity",' in new.metrics[0].query
    assert old.metrics[0].query == 'sum(vllm:num_requests_waiting{namespace="models",job="models/chat"})'
    assert old.metrics[0].rule.name != new.metrics[0].rule.name, "one name for two series would serve either"


def test_what_is_written_of_behaviour_is_taken() -> None:
    up = {"windowSeconds": 30, "pods": 3, "percent": 50, "periodSeconds": 45}
    plan = _scaling({**MOVES, "scaleUp": up}).scale_up
    assert (plan.window_seconds, plan.pods, plan.percent, plan.period_seconds) == (30, 3, 50, 45)


def test_without_monitoring_a_fixed_number_is_the_deployments_own() -> None:
    refused = errors(refusal(monitoring={"enabled": False}, models=[model(autoscaling=MOVES)]))
    assert "monitoring: {enabled: true}" in refused["models[0].autoscaling.maxReplicas"]
    plan = planned(monitoring={"enabled": False})
    assert plan.monitoring is None
    assert plan.models[0].monitoring_namespace is None
    assert plan.models[0].autoscaling.fixed_replicas == 1


def test_kind_none_is_one_number_and_needs_nothing() -> None:
    plan = planned(models=[model(autoscaling={"kind": "none", "minReplicas": 2})], nodePools=[pool(minNodes=2)])
    assert plan.models[0].autoscaling.fixed_replicas == 2
    assert plan.models[0].autoscaling.metrics == ()
    assert plan.monitoring is not None
    assert plan.monitoring.adapter_rules == (), "nobody reads it, so the adapter is left out"


def test_keda_is_installed_only_where_a_model_asks_for_it_and_the_adapter_is_not() -> None:
    plan = _plan({**MOVES, "kind": "keda"})
    assert plan.keda is not None
    assert (plan.keda.chart.chart, plan.keda.namespace, plan.keda.install) == ("keda", "keda", True)
    assert plan.monitoring is not None
    assert plan.monitoring.adapter_rules == ()
    assert plan.models[0].autoscaling.zero is None
    own = planned(
        keda={"install": False}, models=[model(autoscaling={**MOVES, "kind": "keda"})], nodePools=[pool(minNodes=2)]
    )
    assert own.keda is not None
    assert not own.keda.install


def test_zero_is_left_for_what_waits_in_front_and_reached_after_no_request() -> None:
    plan = _plan(ZERO)
    zero = plan.models[0].autoscaling.zero
    assert zero is not None
    assert zero.wake_query == 'sum(waiting{service="chat"})'
    assert zero.wake_target > 1, "as many as one replica holds at once"
    assert zero.idle_seconds >= seconds(plan.models[0].cold_start)[1]
    assert "num_requests_running" in zero.busy_query
    assert _scaling({**ZERO, "idleSeconds": 60}).zero is not None


def test_an_hpa_follows_a_schedule_of_utc_as_one_more_number() -> None:
    office = {"start": "0 7 * * 1-5", "end": "0 18 * * 1-5", "minReplicas": 2}
    scaling = _scaling({**MOVES, "schedules": [office]})
    assert [metric.kind for metric in scaling.metrics] == ["demand", "schedule"]
    (rule,) = [recording for recording in scaling.recordings if recording.record == "vllm_on_eks:schedule:replicas"]
    assert "2 * ((hour() * 60 + minute()) >= bool 420)" in rule.expr
    keda = _scaling({**MOVES, "kind": "keda", "schedules": [{**office, "timeZone": "Europe/Berlin"}]})
    assert [metric.kind for metric in keda.metrics] == ["demand"], "KEDA has a trigger for it"
    assert keda.schedules[0].time_zone == "Europe/Berlin"


def test_a_budget_that_lets_all_replicas_go_is_warned_of() -> None:
    plan = planned(
        models=[model(autoscaling={"minReplicas": 2, "maxReplicas": 2}, disruptionBudget={"maxUnavailable": 2})],
        nodePools=[pool(minNodes=2)],
    )
    assert "budget-everything" in rules(plan.findings, Severity.WARNING)
