"""A stack beside a Prometheus that is there: nothing of its own is installed, and everything is found by its labels."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster.existing_prometheus import ExistingPrometheus, ExistingPrometheusArgs
from components.cluster.network_policies import adapter_policies
from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs
from planning.model import MonitoringPlan
from planning.plan import plan
from settings.stack import StackSettings
from tests.components.plans import MONITORING
from tests.components.samples import GOLDENS
from tests.engine import Engine, record
from tests.golden import as_yaml, assert_matches
from tests.planning.cluster.test_monitoring import CLUSTER, NETWORK, THERE
from tests.planning.stacks import model, pool
from tests.program import run_program

RELEASE, RULE = "kubernetes:helm.sh/v3:Release", "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
POLICY, CONFIG_MAP = "kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:core/v1:ConfigMap"
LABELS = {"release": "prom"}
PODS = {"app": "their-prometheus"}
PROMETHEUS = {
    **THERE,
    "service": "prom",
    "port": 8080,
    "path": "/prometheus",
    "podLabels": PODS,
    "dashboardLabels": {"dashboards": "yes"},
    "dashboardNamespace": "grafana",
}
HPA = {"minReplicas": 1, "maxReplicas": 2, "metrics": [{"kind": "queueDepth", "target": 8}]}
SECTIONS: dict[str, Any] = {
    "cluster": CLUSTER,
    "network": NETWORK,
    "monitoring": {"prometheus": PROMETHEUS},
    "nodePools": [pool(maxNodes=3)],
    "models": [
        model(autoscaling=HPA),
        model(name="woken", autoscaling={"kind": "keda", "minReplicas": 1, "maxReplicas": 2}),
    ],
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return run_program(SECTIONS, "dev", secrets={})


def monitoring() -> MonitoringPlan:
    monitor = plan(StackSettings.model_validate(SECTIONS), "dev").monitoring
    assert monitor is not None
    return monitor


def releases(engine: Engine) -> dict[str, dict[str, Any]]:
    return {each.inputs["chart"]: each.inputs["values"] for each in engine.all(RELEASE)}


def test_no_prometheus_and_no_grafana_are_installed(engine: Engine) -> None:
    assert "kube-prometheus-stack" not in releases(engine)
    assert not [each for each in engine.all("kubernetes:core/v1:Secret") if "grafana" in each.name]
    assert {each.inputs["metadata"]["name"] for each in engine.all("kubernetes:core/v1:Namespace")} == {
        "monitoring",
        "models",
        "gpu-operator",
        "keda",
    }


def test_the_adapter_asks_it(engine: Engine) -> None:
    asked = releases(engine)["prometheus-adapter"]["prometheus"]
    assert asked == {"url": "http://prom.observability.svc", "port": 8080, "path": "/prometheus"}


def test_keda_asks_it(engine: Engine) -> None:
    (scaled,) = engine.all("kubernetes:keda.sh/v1alpha1:ScaledObject")
    addresses = {trigger["metadata"]["serverAddress"] for trigger in scaled.inputs["spec"]["triggers"]}
    assert addresses == {"http://prom.observability.svc:8080/prometheus"}
    assert engine.stack_outputs["prometheus"] == "http://prom.observability.svc:8080/prometheus"


def test_every_monitor_and_rule_has_the_labels_that_it_selects_by(engine: Engine) -> None:
    monitors = engine.all("kubernetes:monitoring.coreos.com/v1:PodMonitor")
    rules = engine.all(RULE)
    assert len(monitors) == 2
    assert {"chat-alerts", "woken-alerts", "vllm-on-eks"} <= {rule.inputs["metadata"]["name"] for rule in rules}
    for each in (*monitors, *rules):
        assert LABELS.items() <= each.inputs["metadata"]["labels"].items(), each.name


def test_monitors_of_charts_have_them_too(engine: Engine) -> None:
    values = releases(engine)
    assert values["gpu-operator"]["dcgmExporter"]["serviceMonitor"]["additionalLabels"] == LABELS
    assert values["cluster-autoscaler"]["serviceMonitor"]["selector"] == LABELS
    assert values["cluster-autoscaler"]["serviceMonitor"]["namespace"] == "monitoring"
    for part in ("operator", "metricServer"):
        assert values["keda"]["prometheus"][part]["serviceMonitor"]["additionalLabels"] == LABELS


def test_network_policies_let_its_pods_in_and_no_others(engine: Engine) -> None:
    peers = [
        peer
        for policy in engine.all(POLICY)
        for rule in (*policy.inputs["spec"].get("ingress", ()), *policy.inputs["spec"].get("egress", ()))
        for peer in (*rule.get("from", ()), *rule.get("to", ()))
        if peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
        == "observability"
    ]
    assert len(peers) >= 6
    assert all(peer["podSelector"] == {"matchLabels": PODS} for peer in peers)


def test_dashboards_stand_where_its_grafana_looks(engine: Engine) -> None:
    registrations = [
        each for each in engine.all(CONFIG_MAP) if each.inputs["metadata"]["name"].startswith("dashboard-")
    ]
    assert len(registrations) == 4
    for registration in registrations:
        assert registration.inputs["metadata"]["namespace"] == "grafana"
        assert registration.inputs["metadata"]["labels"]["dashboards"] == "yes"
        assert "grafana_dashboard" not in registration.inputs["metadata"]["labels"]


def test_dashboards_can_be_left_out() -> None:
    sections = {**SECTIONS, "monitoring": {"prometheus": {**PROMETHEUS, "dashboards": False}}}
    engine = run_program(sections, "dev", secrets={})
    assert not [each for each in engine.all(CONFIG_MAP) if each.name.startswith("monitoring-dashboards")]


def test_the_adapters_namespace_is_closed_but_for_what_it_asks() -> None:
    assert_matches(GOLDENS / "network-policies-adapter.yaml", as_yaml(adapter_policies(monitoring())))


def test_a_plan_of_the_other_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="needs PrometheusStack"):
        record(lambda: ExistingPrometheus("monitoring", ExistingPrometheusArgs(MONITORING)))
    with pytest.raises(ValueError, match="needs ExistingPrometheus"):
        record(lambda: PrometheusStack("monitoring", PrometheusStackArgs(monitoring(), "password")))
