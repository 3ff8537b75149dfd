"""Each scaling that cannot work is refused, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

OFFICE = {"start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "minReplicas": 2}
KEDA = {"kind": "keda", "minReplicas": 0, "maxReplicas": 2}

# autoscaling, path below it, what the message must offer
CANNOT: list[tuple[dict[str, Any], str, str]] = [
    ({"minReplicas": 0}, ".minReplicas", "write 1, or kind: keda with wake:"),
    (KEDA, ".wake", "or minReplicas: 1"),
    ({**KEDA, "wake": {"query": "sum(rate(vllm:request_success_total[1m]))"}}, ".wake.query", "counts in front of it"),
    ({**KEDA, "wake": {"query": "sum(vllm:num_requests_waiting)"}}, ".wake.query", "only while a pod lives"),
    ({**KEDA, "wake": {"query": "max(vllm_on_eks:demand:replicas)"}}, ".wake.query", "counts in front of it"),
    ({**KEDA, "wake": {"query": "vllm_num_requests_waiting"}}, ".wake.query", "nothing exports vllm_num_requests"),
    ({**KEDA, "minReplicas": 1, "wake": {"query": "sum(x)"}}, ".wake", "write minReplicas: 0"),
    ({"kind": "none", "minReplicas": 1, "maxReplicas": 2}, ".maxReplicas", "write maxReplicas: 1, or kind: hpa"),
    ({"schedules": [{**OFFICE, "end": "0  8 * * 1-5"}]}, ".schedules[0].end", "write a later end"),
    ({"schedules": [{**OFFICE, "minReplicas": 3}]}, ".schedules[0].minReplicas", "maxReplicas: 3"),
    ({"schedules": [{**OFFICE, "timeZone": "Europe/Berlin"}]}, ".schedules[0]", "write kind: keda"),
    ({"schedules": [{**OFFICE, "start": "0 8 1 * *"}]}, ".schedules[0]", "write kind: keda"),
    ({"metrics": [{"kind": "timeToFirstToken", "valueType": "AverageValue"}]}, ".metrics[0].valueType", "write Value"),
    ({"metrics": [{"kind": "inFlight", "valueType": "Value"}]}, ".metrics[0].valueType", "write AverageValue"),
    ({"metrics": [{"kind": "running", "target": 64}]}, ".metrics[0].target", "maxNumSeqs is 64"),
    ({"metrics": [{"kind": "kvCacheUsage", "target": 80}]}, ".metrics[0].target", "write 0.8"),
    ({"metrics": [{"kind": "inFlight"}, {"kind": "inFlight", "target": 3}]}, ".metrics", "write each kind once"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("autoscaling", "path", "offer"), CANNOT, ids=[f"{p}-{i}" for i, (_, p, _) in enumerate(CANNOT)]
)
def test_what_cannot_work_is_refused_with_the_alternative(autoscaling: dict[str, Any], path: str, offer: str) -> None:
    refused = errors(refusal(models=[model(autoscaling=autoscaling)], nodePools=[pool(minNodes=2, maxNodes=4)]))
    assert offer in refused[f"models[0].autoscaling{path}"], refused
    assert len(refused) == 1, "one mistake, one error"


def test_a_routers_own_counter_may_wake_though_it_is_named_like_vllms() -> None:
    wake = {"query": 'sum(rate(vllm:num_incoming_requests_total{model="chat"}[1m]))'}
    plan = planned(models=[model(autoscaling={**KEDA, "wake": wake})], nodePools=[pool(minNodes=2)])
    assert plan.models[0].autoscaling.zero is not None


def test_nobody_knows_the_demand_of_an_unknown_model() -> None:
    scaled = {"metrics": [{"kind": "demand"}, {"kind": "tokensPerSecond"}]}
    unknown = model(source="nobody/new-7b-model", autoscaling=scaled)
    refused = errors(refusal(models=[unknown], nodePools=[pool(minNodes=2)]))
    assert "write kind: inFlight" in refused["models[0].autoscaling.metrics[0]"]
    assert "vllm bench serve" in refused["models[0].autoscaling.metrics[1].target"]


def test_keda_needs_prometheus_even_for_a_fixed_number() -> None:
    scaled = model(autoscaling={"kind": "keda", "maxReplicas": 1})
    refused = errors(refusal(models=[scaled], monitoring={"enabled": False}))
    assert "kind: none" in refused["models[0].autoscaling.maxReplicas"]


def test_gpu_utilization_needs_its_exporter_and_is_warned_of_even_so() -> None:
    scaled = model(autoscaling={"metrics": [{"kind": "gpuUtilization"}]})
    refused = errors(refusal(models=[scaled], nodePools=[pool(minNodes=2)], gpuOperator={"dcgmExporter": False}))
    assert "dcgmExporter: true" in refused["models[0].autoscaling.metrics[0]"]
    plan = planned(models=[scaled], nodePools=[pool(minNodes=2)])
    assert "gpu-utilization" in rules(plan.findings, Severity.WARNING)


def test_gpu_utilization_of_pods_that_share_a_gpu_is_nobodys() -> None:
    scaled = model(autoscaling={"metrics": [{"kind": "gpuUtilization"}]}, gpuMemoryUtilization=0.4)
    refused = errors(
        refusal(models=[scaled], nodePools=[pool(minNodes=2, gpuSharing={"kind": "timeSlicing", "replicas": 2})])
    )
    assert "share" in refused["models[0].autoscaling.metrics[0]"]


def test_a_schedule_that_changes_nothing_is_warned_of() -> None:
    scaled = model(autoscaling={"minReplicas": 2, "schedules": [OFFICE]})
    plan = planned(models=[scaled], nodePools=[pool(minNodes=2)])
    assert "schedule-without-effect" in rules(plan.findings, Severity.WARNING)


def test_a_model_does_not_live_in_kedas_namespace() -> None:
    scaled = model(namespace="keda", autoscaling={"kind": "keda"})
    refused = errors(refusal(models=[scaled], nodePools=[pool(minNodes=2)]))
    assert "belongs to KEDA" in refused["models[0].namespace"]


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_nobody_else_ever_owns_external_metrics(kind: str) -> None:
    """prometheus-adapter's external rules and KEDA would fight over one APIService: we have no setting for them."""
    plan = planned(models=[model(autoscaling={"kind": kind})], nodePools=[pool(minNodes=2)])
    assert plan.monitoring is not None
    assert (plan.keda is not None) == (kind == "keda")
    assert all(rule.via in ("pods", "service") for rule in plan.monitoring.adapter_rules)
