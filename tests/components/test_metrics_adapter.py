from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.cluster.metrics_adapter import MetricsAdapter, MetricsAdapterArgs, adapter_rule, metrics_adapter_values
from tests.components.plans import DEMAND, MIRROR, MODEL, MONITORING, QUEUE_DEPTH
from tests.engine import record
from tests.golden import as_yaml, assert_matches

GOLDENS = Path(__file__).parent / "goldens"
URL = "http://kube-prometheus-stack-prometheus.monitoring.svc"


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "prometheus-adapter.values.yaml", as_yaml(metrics_adapter_values(MONITORING, URL)))


def test_a_metric_of_pods_is_served_per_pod() -> None:
    rule = adapter_rule(QUEUE_DEPTH.rule)
    assert rule["name"] == {"matches": "^vllm:num_requests_waiting$", "as": "vllm_queue_depth"}
    assert rule["seriesQuery"] == 'vllm:num_requests_waiting{namespace!="",pod!=""}'
    assert rule["resources"]["overrides"] == {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}
    assert "<<.LabelMatchers>>" in rule["metricsQuery"], "without them each pod gets the sum over all pods"
    assert "<<.GroupBy>>" in rule["metricsQuery"]


def test_what_we_record_is_served_for_the_models_service() -> None:
    rule = adapter_rule(DEMAND.rule)
    assert rule["seriesQuery"] == 'vllm_on_eks:demand:replicas{namespace!="",service!=""}'
    assert rule["resources"]["overrides"]["service"] == {"resource": "service"}
    assert rule["metricsQuery"].startswith("max by"), "recorded by two servers, it is not twice as much"


def test_every_metric_that_an_hpa_names_has_its_rule() -> None:
    served = {rule["name"]["as"] for rule in metrics_adapter_values(MONITORING, URL)["rules"]["custom"]}
    assert {metric.rule.name for metric in MODEL.autoscaling.metrics} == served


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
