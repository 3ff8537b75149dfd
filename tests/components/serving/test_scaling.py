"""What owns a model's replicas: an HPA, KEDA, or the Deployment itself; never two of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.serving.manifests.deployment import deployment
from components.serving.manifests.scaling import (
    horizontal_pod_autoscaler,
    quantity,
    recording_rules,
    scaled_object,
)
from components.serving.vllm_autoscaler import VllmAutoscaler, VllmAutoscalerArgs
from planning.model import ScalingMetric, ServedModel
from tests.components.plans import FIXED_MODEL, KEDA_MODEL, MODEL, QUEUE_DEPTH, VOLUME_MODEL
from tests.components.rendered import MODELS, PROMETHEUS
from tests.engine import record

LATENCY = ScalingMetric(
    kind="timeToFirstToken",
    rule=replace(MODEL.autoscaling.metrics[0].rule, name="vllm_time_to_first_token_seconds"),
    query="q",
    value_type="Value",
    target=2.5,
    unit="seconds",
    why="test",
)
OWNERS = ("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "kubernetes:keda.sh/v1alpha1:ScaledObject")


def test_nobody_but_the_autoscaler_sets_replicas() -> None:
    for model in MODELS:
        assert ("replicas" in deployment(model, "p")["spec"]) == (model is FIXED_MODEL)
    scaler = horizontal_pod_autoscaler(MODEL)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 3)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.name))
def test_a_model_has_one_owner_of_its_replicas(model: ServedModel) -> None:
    engine = record(lambda: VllmAutoscaler("m", VllmAutoscalerArgs(model, "models", "d", prometheus_url=PROMETHEUS)))
    owners = [each for kind in OWNERS for each in engine.all(kind)]
    assert len(owners) + ("replicas" in deployment(model, "p")["spec"]) == 1
    assert all(owner.inputs["spec"]["scaleTargetRef"]["name"] == "d" for owner in owners)


def test_a_fixed_number_takes_the_field_from_an_autoscaler_that_was() -> None:
    manifest = deployment(FIXED_MODEL, "p")
    assert manifest["spec"]["replicas"] == 2
    assert manifest["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
    assert "annotations" not in deployment(MODEL, "p")["metadata"], "where an autoscaler owns it we never force"


def test_an_hpa_reads_what_we_recorded_from_the_models_service_and_pods_metrics_from_pods() -> None:
    demand, queue = horizontal_pod_autoscaler(MODEL)["spec"]["metrics"]
    assert demand == {
        "type": "Object",
        "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "llama"},
            "metric": {"name": "vllm_demand_replicas"},
            "target": {"type": "AverageValue", "averageValue": "1"},
        },
    }
    assert queue["pods"]["metric"]["name"] == QUEUE_DEPTH.rule.name
    assert queue["pods"]["target"] == {"type": "AverageValue", "averageValue": "5"}


def test_a_latency_is_a_value_in_both() -> None:
    model = replace(MODEL, autoscaling=replace(MODEL.autoscaling, metrics=(LATENCY,)))
    (metric,) = horizontal_pod_autoscaler(model)["spec"]["metrics"]
    assert metric["object"]["target"] == {"type": "Value", "value": "2500m"}
    (trigger,) = scaled_object(model, PROMETHEUS)["spec"]["triggers"]
    assert (trigger["metricType"], trigger["metadata"]["threshold"]) == ("Value", "2.5")


def test_pods_and_percent_are_both_allowed_whichever_is_more() -> None:
    behavior = horizontal_pod_autoscaler(MODEL)["spec"]["behavior"]
    assert behavior["scaleUp"]["policies"] == [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ]
    assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]
    assert behavior["scaleUp"]["selectPolicy"] == behavior["scaleDown"]["selectPolicy"] == "Max"


def test_recordings_carry_namespace_and_service_or_the_adapter_finds_nothing() -> None:
    manifest = recording_rules(MODEL)
    assert manifest["metadata"]["name"] == "llama-demand"
    (group,) = manifest["spec"]["groups"]
    assert group["interval"] == "15s"
    assert all(rule["labels"] == {"namespace": "models", "service": "llama"} for rule in group["rules"])


def test_only_requests_wake_a_model_or_keep_it_awake() -> None:
    triggers = {trigger["name"]: trigger for trigger in scaled_object(KEDA_MODEL, PROMETHEUS)["spec"]["triggers"]}
    assert list(triggers) == ["demand", "queueDepth", "wake", "busy", "schedule-0"]
    active = {name: trigger["metadata"].get("activationThreshold") for name, trigger in triggers.items()}
    assert active == {"demand": "3", "queueDepth": "15", "wake": "0", "busy": "0", "schedule-0": None}
    assert triggers["wake"]["metadata"]["query"] == 'sum(gateway_requests_waiting{service="phi"})'
    assert triggers["schedule-0"]["metadata"] == {
        "timezone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "desiredReplicas": "2",
    }  # fmt: skip


def test_at_zero_a_missing_number_is_nothing_and_above_it_is_an_error_that_holds_the_replicas() -> None:
    asleep = scaled_object(KEDA_MODEL, PROMETHEUS)["spec"]
    assert {t["metadata"].get("ignoreNullValues") for t in asleep["triggers"]} == {"true", None}
    assert (asleep["minReplicaCount"], asleep["cooldownPeriod"], asleep["initialCooldownPeriod"]) == (0, 600, 600)
    awake = replace(KEDA_MODEL, autoscaling=replace(KEDA_MODEL.autoscaling, min_replicas=1, zero=None, schedules=()))
    spec = scaled_object(awake, PROMETHEUS)["spec"]
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in spec["triggers"]} == {"false"}
    assert all("activationThreshold" not in trigger["metadata"] for trigger in spec["triggers"])
    assert "cooldownPeriod" not in spec


def test_keda_without_prometheus_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="prometheus_url"):
        record(lambda: VllmAutoscaler("m", VllmAutoscalerArgs(KEDA_MODEL, "models", "d")))


def test_a_model_without_recordings_has_no_rules_object() -> None:
    engine = record(lambda: VllmAutoscaler("m", VllmAutoscalerArgs(VOLUME_MODEL, "models", "d")))
    assert engine.all("kubernetes:monitoring.coreos.com/v1:PrometheusRule") == []


def test_refresh_and_update_leave_the_owners_number_alone_also_under_keda() -> None:
    from components.ownership import controller_owned

    assert controller_owned("kubernetes:Deployment") == ["spec.replicas"]


@pytest.mark.parametrize(
    ("number", "text"), [(5, "5"), (0.8, "800m"), (31.7, "31700m"), (1.0, "1"), (317.5, "317500m")]
)
def test_targets_are_kubernetes_quantities(number: float, text: str) -> None:
    assert quantity(number) == text
