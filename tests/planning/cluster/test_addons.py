from __future__ import annotations

import pytest

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules


@pytest.mark.parametrize("part", ["driver", "toolkit"])
def test_what_the_ami_has_is_not_installed_twice(part: str) -> None:
    refused = errors(refusal(gpuOperator={part: True}))
    assert "write false" in refused[f"gpuOperator.{part}"]


def test_somebody_must_advertise_the_gpus() -> None:
    assert "write true" in errors(refusal(gpuOperator={"devicePlugin": False}))["gpuOperator.devicePlugin"]
    assert "write true" in errors(refusal(gpuOperator={"enabled": False}))["gpuOperator.enabled"]


def test_an_existing_cluster_may_have_its_own_plugin() -> None:
    plan = planned(
        cluster={"kind": "existing", "name": "main"},
        network={"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
        gpuOperator={"enabled": False},
    )
    assert plan.gpu_operator is None
    assert "no-device-plugin" in rules(plan.findings, Severity.WARNING)


def test_each_pool_with_nodes_has_one_smoke_test() -> None:
    plan = planned(nodePools=[pool(), pool(name="a10g", instanceTypes=["g5.xlarge"])], models=[model(pool="l4")])
    assert plan.gpu_operator is not None
    assert [test.pool for test in plan.gpu_operator.smoke_tests] == ["l4", "a10g"]
    assert plan.gpu_operator.smoke_tests[0].node_selector == {"vllm-on-eks/pool": "l4"}
    off = planned(gpuOperator={"smokeTest": False})
    assert off.gpu_operator is not None
    assert off.gpu_operator.smoke_tests == ()


def test_a_mirror_reaches_every_chart_and_image() -> None:
    mirror = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror"
    plan = planned(registry={"mirror": mirror})
    assert plan.monitoring is not None
    assert plan.gpu_operator is not None
    charts = [plan.gpu_operator.chart, plan.monitoring.stack_chart, plan.monitoring.adapter_chart]
    assert all(chart.chart.startswith(f"oci://{mirror}/charts/") and chart.repository is None for chart in charts)
    assert plan.models[0].image == f"{mirror}/vllm/vllm-openai:v0.33.0"
    assert plan.gpu_operator.smoke_tests[0].image.startswith(f"{mirror}/nvidia/cuda:")


def test_prometheus_drops_samples_before_the_disk_is_full() -> None:
    monitoring = planned(monitoring={"storageGib": 50}).monitoring
    assert monitoring is not None
    assert monitoring.retention_size_gib == 45
    assert [rule.name for rule in monitoring.adapter_rules] == ["vllm_demand_replicas"]


def test_without_grafana_no_password_is_asked_for() -> None:
    monitoring = planned(monitoring={"grafana": {"enabled": False}}).monitoring
    assert monitoring is not None
    assert monitoring.grafana_password_key is None


def test_privileged_pods_have_a_namespace_of_their_own() -> None:
    assert "gpuOperator.namespace" in errors(refusal(gpuOperator={"namespace": "monitoring"}))
    refused = errors(refusal(models=[model(namespace="gpu-operator")]))
    assert "write another" in refused["models[0].namespace"]
    assert "models[0].namespace" in errors(refusal(models=[model(namespace="monitoring")]))
    assert "models[0].namespace" in errors(refusal(models=[model(namespace="kube-system")]))


def test_the_storage_class_is_made_where_it_is_used_and_missing() -> None:
    assert planned().storage_class == "gp3"
    assert planned(monitoring={"storageClass": "fast"}, cluster={"storageClasses": ["fast"]}).storage_class is None
    existing = planned(
        cluster={"kind": "existing", "name": "main"},
        network={"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
    )
    assert existing.storage_class is None
