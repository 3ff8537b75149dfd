"""A Prometheus that an existing cluster has: planned with, and what of it is not ours to set."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planning.model import ExistingPrometheusPlan, Severity, StackPlan
from planning.versions.images import stack_charts
from settings.read import read, secret_needs
from tests.planning.stacks import errors, model, planned, refusal, rules, stack

NETWORK = {"kind": "existing", "vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}
CLUSTER = {"kind": "existing", "name": "main"}
THERE: dict[str, Any] = {
    "kind": "existing",
    "namespace": "observability",
    "monitorLabels": {"release": "prom"},
    "ruleLabels": {"release": "prom"},
}
GROWS = {"autoscaling": {"minReplicas": 1, "maxReplicas": 2, "metrics": [{"kind": "queueDepth", "target": 8}]}}


def sections(prometheus: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    monitoring = {"prometheus": {**THERE, **(prometheus or {})}}
    return {"cluster": CLUSTER, "network": NETWORK, "monitoring": monitoring, "models": [model(**GROWS)], **more}


def existing(plan: StackPlan) -> ExistingPrometheusPlan:
    assert plan.monitoring is not None
    assert plan.monitoring.existing is not None
    return plan.monitoring.existing


def test_nothing_of_the_prometheus_stack_is_installed() -> None:
    plan = planned(**sections())
    assert plan.monitoring is not None
    assert plan.monitoring.stack_chart is None
    assert not plan.monitoring.grafana
    assert "kube-prometheus-stack" not in {stack_chart.chart for stack_chart in stack_charts(plan)}
    assert "prometheus-adapter" in {stack_chart.chart for stack_chart in stack_charts(plan)}
    assert "Prometheus volume" not in {line.what for line in plan.cost.lines}


def test_its_address_has_port_and_path() -> None:
    there = existing(planned(**sections({"service": "prom", "port": 8080, "path": "/prometheus"})))
    assert there.url == "http://prom.observability.svc"
    assert there.address == "http://prom.observability.svc:8080/prometheus"
    assert existing(planned(**sections())).address == "http://prometheus-operated.observability.svc:9090"


def test_models_and_services_know_whose_it_is() -> None:
    plan = planned(**sections())
    there = existing(plan)
    assert plan.models[0].prometheus == there
    assert plan.models[0].monitoring_namespace == "observability"
    assert plan.gpu_operator is not None
    assert plan.gpu_operator.network.prometheus == there
    assert plan.gpu_operator.network.monitoring_namespace == "observability"
    assert plan.cluster_autoscaler is not None
    assert plan.cluster_autoscaler.monitoring_namespace == "monitoring", "its monitor stands in a namespace of ours"


def test_an_installed_one_is_what_a_stack_has_by_default() -> None:
    for monitoring in ({}, {"prometheus": {"kind": "install"}}):
        plan = planned(monitoring=monitoring)
        assert plan.monitoring is not None
        assert plan.monitoring.stack_chart is not None
        assert plan.models[0].prometheus is None


def test_the_password_of_a_grafana_that_is_not_ours_is_not_asked_for() -> None:
    loaded = read({**sections(), "nodePools": [{"name": "l4", "instanceTypes": ["g6.xlarge"]}]}, "dev")
    assert loaded.settings is not None
    assert "grafanaPassword" not in {need.key for need in secret_needs(loaded.settings)}


def test_in_a_cluster_of_the_same_stack_there_is_none_yet() -> None:
    told = errors(refusal(monitoring={"prometheus": THERE}))
    assert "nothing is there yet" in told["monitoring.prometheus.kind"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("retentionDays", 30), ("storageGib", 100), ("storageClass", "gp2"), ("grafana", {"enabled": False})],
)
def test_settings_of_an_installed_one_are_refused(setting: str, value: Any) -> None:
    told = errors(refusal(**sections(monitoring={"prometheus": THERE, setting: value})))
    assert list(told) == [f"monitoring.{setting}"]
    assert told[f"monitoring.{setting}"].endswith("remove it")


def test_a_receiver_belongs_to_its_alertmanager() -> None:
    receiver = {"kind": "webhook", "url": "https://alerts.corp.example/hook"}
    told = errors(refusal(**sections(monitoring={"prometheus": THERE, "alerts": {"receiver": receiver}})))
    assert (
        "the Alertmanager of an existing Prometheus decides where alerts are sent" in told["monitoring.alerts.receiver"]
    )


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"monitoring": {"prometheus": {**THERE, "namespace": "monitoring"}}}, "monitoring.namespace"),
        ({"monitoring": {"prometheus": {**THERE, "namespace": "models"}}}, "models[0].namespace"),
        ({"monitoring": {"prometheus": {**THERE, "namespace": "gpu-operator"}}}, "gpuOperator.namespace"),
    ],
)
def test_nothing_of_ours_closes_its_namespace(more: dict[str, Any], path: str) -> None:
    told = errors(refusal(**sections(**more)))
    assert list(told) == [path]
    assert "belongs to an existing Prometheus" in told[path]


def test_labels_that_nobody_wrote_are_told_with_the_command_that_prints_them() -> None:
    bare = planned(**sections({"monitorLabels": {}, "ruleLabels": {}}))
    assert "existing-prometheus" in rules(bare.findings, Severity.WARNING)
    (told,) = [finding for finding in bare.findings if finding.rule == "existing-prometheus"]
    assert "kubectl get prometheus -A" in told.text
    assert "existing-prometheus" not in rules(planned(**sections()).findings, Severity.WARNING)


def test_what_is_asked_of_an_existing_cluster_leaves_prometheus_out() -> None:
    open_paths = {finding.path for finding in planned(**sections()).findings if finding.rule == "existing-cluster"}
    assert not {"monitoring.enabled", "monitoring.storageClass"} & open_paths
    assert "gpuOperator.enabled" in open_paths


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace": "Not_A_Name"},
        {"port": 0},
        {"port": 70000},
        {"path": "prometheus/"},
        {"path": "/a b"},
        {"podLabels": {}},
        {"monitorLabels": {"release": "not a label"}},
        {"url": "http://prom:9090"},
    ],
)
def test_what_cannot_be_an_address_or_a_label_is_refused_by_the_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stack(**sections(wrong))


def test_a_section_without_kind_is_an_existing_one() -> None:
    plain = {key: value for key, value in THERE.items() if key != "kind"}
    plan = planned(**sections(monitoring={"prometheus": plain}))
    assert existing(plan).namespace == "observability"
