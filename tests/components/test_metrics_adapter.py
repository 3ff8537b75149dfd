from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.metrics_adapter import METRICS_QUERY, MetricsAdapter, MetricsAdapterArgs, metrics_adapter_values
from planning.model import MetricRule
from tests.components.plans import MIRROR, MODEL, MONITORING
from tests.engine import record
from tests.golden import as_yaml, assert_matches

GOLDENS = Path(__file__).parent / "goldens"
URL = "http://kube-prometheus-stack-prometheus.monitoring.svc"


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "prometheus-adapter.values.yaml", as_yaml(metrics_adapter_values(MONITORING, URL)))


def test_the_rule_gives_the_autoscalers_metric_per_pod() -> None:
    (rule,) = metrics_adapter_values(MONITORING, URL)["rules"]["custom"]
    assert rule["name"]["as"] == MODEL.autoscaling.metric.name
    assert rule["seriesQuery"] == 'vllm:num_requests_waiting{namespace!="",pod!=""}'
    assert rule["resources"]["overrides"] == {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}
    assert "<<.LabelMatchers>>" in METRICS_QUERY, "without them each pod gets the sum over all pods"
    assert "<<.GroupBy>>" in METRICS_QUERY
    assert rule["metricsQuery"] == METRICS_QUERY


def test_every_metric_of_the_plan_has_its_rule() -> None:
    running = MetricRule("vllm:num_requests_running", "vllm_running", "test")
    plan = replace(MONITORING, adapter_rules=(*MONITORING.adapter_rules, running))
    rules = metrics_adapter_values(plan, URL)["rules"]["custom"]
    assert [rule["name"]["as"] for rule in rules] == ["vllm_queue_depth", "vllm_running"]


def test_external_metrics_are_left_to_their_owner() -> None:
    rules = metrics_adapter_values(MONITORING, URL)["rules"]
    assert rules["external"] == []
    assert rules["default"] is False


def test_the_image_comes_from_the_mirror() -> None:
    values = metrics_adapter_values(replace(MONITORING, mirror=MIRROR), URL)
    assert values["image"] == {
        "repository": f"{MIRROR}/registry.k8s.io/prometheus-adapter/prometheus-adapter",
    }


def test_the_release_is_named_and_pinned() -> None:
    engine = record(lambda: MetricsAdapter("adapter", MetricsAdapterArgs(MONITORING, "monitoring", URL)))
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert (release.name, release.inputs["name"]) == ("adapter-release", "prometheus-adapter")
    assert (release.inputs["chart"], release.inputs["version"]) == ("prometheus-adapter", "5.3.0")
    assert release.inputs["values"] == metrics_adapter_values(MONITORING, URL)
