from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from planning.alerts.slo import BURN_WINDOWS, nearest_bucket
from planning.alerts.table import duration, number, thresholds
from planning.model import AlertRulePlan, RecordingRulePlan, Severity, StackPlan
from settings.addons import WebhookReceiver
from tests.planning.stacks import errors, model, planned, pool, refusal, rules


def _alerts(plan: StackPlan) -> list[AlertRulePlan]:
    assert plan.monitoring is not None
    groups = [*plan.monitoring.alert_groups, *(group for model in plan.models for group in model.alert_groups)]
    return [alert for group in groups for alert in group.alerts]


def _recordings(plan: StackPlan) -> list[RecordingRulePlan]:
    groups = [group for model in plan.models for group in model.alert_groups]
    return [recording for group in groups for recording in group.recordings]


def _named(plan: StackPlan, name: str) -> list[AlertRulePlan]:
    return [alert for alert in _alerts(plan) if alert.name == name]


def _with_slo(**slo: Any) -> StackPlan:
    return planned(models=[model(slo=slo)])


def test_thirty_days_give_the_factors_of_the_workbook() -> None:
    assert [window.factor(30) for window in BURN_WINDOWS] == pytest.approx([14.4, 6, 3, 1])


def test_over_a_short_window_no_factor_falls_below_the_budget_itself() -> None:
    assert [window.factor(7) for window in BURN_WINDOWS] == pytest.approx([3.36, 1.4, 1, 1])


def test_a_promise_over_one_day_has_no_window_of_three() -> None:
    windows = {alert.labels["window"] for alert in _named(_with_slo(windowDays=1), "VllmTtftBudgetBurn")}
    assert windows == {"1h", "6h", "1d"}


def test_fast_burns_page_and_slow_ones_are_tickets() -> None:
    burns = {alert.labels["window"]: alert.severity for alert in _named(planned(), "VllmErrorBudgetBurn")}
    assert burns == {"1h": "critical", "6h": "critical", "1d": "warning", "3d": "warning"}


def test_limits_follow_from_the_promise() -> None:
    (fast,) = [a for a in _named(_with_slo(share=0.95), "VllmTtftBudgetBurn") if a.labels["window"] == "1h"]
    assert "> 0.72)" in fast.expr, "14.4 times 5 %"


def test_a_budget_too_wide_for_a_window_is_told_and_has_no_rule_that_never_fires() -> None:
    plan = _with_slo(share=0.9)
    assert "slo-never-alerts" in rules(plan.findings, Severity.WARNING)
    assert {a.labels["window"] for a in _named(plan, "VllmTtftBudgetBurn")} == {"6h", "1d", "3d"}


@pytest.mark.parametrize(("seconds", "bucket"), [(2.0, 2.5), (1.0, 1.0), (0.3, 0.25), (6.25, 5.0), (600.0, 640.0)])
def test_late_is_counted_at_the_nearest_bucket(seconds: float, bucket: float) -> None:
    assert nearest_bucket(seconds) == bucket


def test_a_written_promise_between_two_buckets_is_told_which_is_counted() -> None:
    plan = _with_slo(timeToFirstTokenSeconds=1.5)
    (finding,) = [finding for finding in plan.findings if finding.rule == "slo-bucket"]
    assert finding.path == "models[0].slo.timeToFirstTokenSeconds"
    assert "1 s or 2.5 s" in finding.text
    assert "count at 1 s" in finding.text
    assert any('le="1.0"' in recording.expr for recording in _recordings(plan))


def test_a_promise_on_a_bucket_or_left_to_the_default_needs_no_finding() -> None:
    assert "slo-bucket" not in rules(_with_slo(timeToFirstTokenSeconds=2.5).findings, Severity.WARNING)
    assert "slo-bucket" not in rules(planned().findings, Severity.WARNING)


def test_a_version_without_admission_rejections_counts_errors_alone() -> None:
    old = planned(models=[model(image={"tag": "v0.31.0"})])
    assert not any("admission_rejections" in recording.expr for recording in _recordings(old))
    assert any("admission_rejections" in recording.expr for recording in _recordings(planned()))


def test_a_fixed_number_of_replicas_has_no_alert_on_its_limit() -> None:
    assert _named(planned(models=[model(autoscaling={"maxReplicas": 1})]), "VllmAutoscalerAtMax") == []
    moving = planned(nodePools=[pool(minNodes=2, maxNodes=2)], models=[model(autoscaling={"maxReplicas": 2})])
    assert len(_named(moving, "VllmAutoscalerAtMax")) == 1


def test_only_a_stack_with_spot_nodes_speaks_of_them() -> None:
    assert _named(planned(), "SpotNodeInterrupted") == []
    (rule,) = _named(planned(nodePools=[pool(capacity="spot")]), "SpotNodeInterrupted")
    assert 'label_vllm_on_eks_pool=~"l4"' in rule.expr


def test_without_gpu_metrics_nothing_is_alerted_on_them() -> None:
    silent = planned(gpuOperator={"dcgmExporter": False})
    assert _named(silent, "GpuXidError") + _named(silent, "GpuMetricsMissing") == []


def test_not_ready_is_measured_against_the_plans_cold_start() -> None:
    for most_nodes in (1, 2):  # 2: a rollout's pod may need a node of its own
        plan = planned(nodePools=[pool(maxNodes=most_nodes)])
        served = plan.models[0]
        assert bool(served.node_start) == (most_nodes == 2)
        budget = sum(term.high_seconds for term in (*served.node_start, *served.cold_start))
        (rule,) = _named(plan, "VllmModelNotReady")
        assert f"> {-(-budget // 1):g})" in rule.expr


def test_ranges_hold_four_scrapes_where_scrapes_are_rare() -> None:
    (rule,) = _named(planned(monitoring={"scrapeIntervalSeconds": 60}), "VllmEngineStalled")
    assert "[4m]" in rule.expr
    (usual,) = _named(planned(), "VllmEngineStalled")
    assert "[2m]" in usual.expr


def test_pages_are_looked_for_where_the_stack_file_says() -> None:
    base = "https://wiki.example.com/vllm"
    plan = planned(monitoring={"alerts": {"runbookBaseUrl": base}})
    assert {alert.runbook_url for alert in _alerts(plan)} == {f"{base}/{alert.name}.md" for alert in _alerts(plan)}


def test_costs_carry_the_models_team_or_the_stacks() -> None:
    def teams(**sections: Any) -> list[str]:
        monitoring = planned(**sections).monitoring
        assert monitoring is not None
        costs = [r for g in monitoring.alert_groups for r in g.recordings if r.record == "vllm_on_eks:usd_per_hour"]
        return [cost.labels["team"] for cost in costs]

    assert teams(models=[model(team="search")], tags={"team": "platform"}) == ["search"]
    assert teams(tags={"team": "platform"}) == ["platform"]
    assert teams() == ["none"]
    tenant = {"name": "search", "namespace": "search-models", "groups": ["search-engineers"]}
    owned = {"tenants": [tenant], "tags": {"team": "platform"}}
    assert teams(**owned, models=[model(namespace="search-models")]) == ["search"]
    assert teams(**owned, models=[model(namespace="search-models", team="ads")]) == ["ads"]
    assert teams(**owned) == ["platform"]


def test_alerts_can_be_left_out_and_costs_stay() -> None:
    plan = planned(monitoring={"alerts": {"enabled": False, "receiver": {"url": "http://example.com/x"}}})
    assert _alerts(plan) == []
    assert plan.monitoring is not None
    assert [group.name for group in plan.monitoring.alert_groups] == ["cost"]
    assert plan.monitoring.webhook is None


@pytest.mark.parametrize(
    "url",
    ["https://hooks.slack.com/services/T0/B0/x", "https://user:pass@example.com/x", "https://example.com/x?token=1"],
)
def test_an_address_that_is_a_password_is_refused_in_the_stack_file(url: str) -> None:
    refused = errors(refusal(monitoring={"alerts": {"receiver": {"url": url}}}))
    assert "urlKey" in refused["monitoring.alerts.receiver.url"]
    assert "services/T0" not in str(refused)


def test_a_webhook_has_one_address() -> None:
    with pytest.raises(ValidationError, match="one of url and urlKey"):
        WebhookReceiver.model_validate({"kind": "webhook"})
    with pytest.raises(ValidationError, match="one of url and urlKey"):
        WebhookReceiver.model_validate({"kind": "webhook", "url": "http://a/b", "urlKey": "k"})


def test_every_threshold_names_its_source_and_day() -> None:
    for row in thresholds().values():
        assert re.search(r", 2026-11-\d\d$", row.source)
        assert row.severity in ("critical", "warning", ""), row.name


@pytest.mark.parametrize(("seconds", "text"), [(300, "5m"), (5400, "90m"), (21600, "6h"), (259200, "3d"), (90, "90s")])
def test_durations_are_written_as_prometheus_reads_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_have_no_noise() -> None:
    assert number(0.01 * 14.4) == "0.144"
