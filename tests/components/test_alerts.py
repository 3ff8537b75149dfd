"""Rules and receivers as registered objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs, prometheus_stack_values
from components.serving.manifests.alerts import alert_rules
from planning.model import MonitoringPlan, WebhookPlan
from tests.components.plans import MONITORING
from tests.components.promtool import rule_groups, sample_plan
from tests.engine import Engine, Secret, record
from tests.golden import as_yaml, assert_matches
from tests.program import run_program

GOLDENS = Path(__file__).parent / "goldens"
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CANARY = "https://hooks.example.com/canary-4711"


def _recorded(plan: MonitoringPlan, webhook: str | None = None) -> Engine:
    return record(lambda: PrometheusStack("monitoring", PrometheusStackArgs(plan, "p", webhook)))


def test_a_model_has_one_object_of_rules_with_its_recordings_before_its_alerts() -> None:
    chat = sample_plan().models[0]
    manifest = alert_rules(chat)
    assert manifest["metadata"]["name"] == "chat-alerts"
    assert manifest["metadata"]["namespace"] == "models"
    slo, servers = manifest["spec"]["groups"]
    kinds = ["record" if "record" in rule else "alert" for rule in slo["rules"]]
    assert kinds == sorted(kinds, reverse=True)
    assert [slo["name"], servers["name"]] == ["models.chat.slo", "models.chat.servers"]


def test_rules_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "rules.yaml", as_yaml(list(rule_groups(sample_plan()).values())))


def test_the_stacks_rules_wait_for_the_release_that_brings_their_kind() -> None:
    monitoring = sample_plan().monitoring
    assert monitoring is not None
    rule = _recorded(replace(MONITORING, alert_groups=monitoring.alert_groups)).only(RULE)
    assert rule.inputs["metadata"] == {
        "name": "vllm-on-eks",
        "namespace": "monitoring",
        "labels": {
            "app.kubernetes.io/name": "vllm-on-eks",
            "app.kubernetes.io/instance": "stack",
            "app.kubernetes.io/component": "rules",
            "app.kubernetes.io/part-of": "vllm-on-eks",
            "app.kubernetes.io/managed-by": "pulumi",
        },
    }
    assert "monitoring-release" in rule.depends_on


def test_without_groups_there_is_no_object() -> None:
    assert _recorded(MONITORING).all(RULE) == []


def test_nobody_is_told_unless_the_stack_file_names_somebody() -> None:
    assert "alertmanager" not in prometheus_stack_values(MONITORING)


def test_a_plain_address_stands_in_alertmanagers_configuration() -> None:
    values = prometheus_stack_values(replace(MONITORING, webhook=WebhookPlan(url="http://chat.example.com/hook")))
    receivers = {receiver["name"]: receiver for receiver in values["alertmanager"]["config"]["receivers"]}
    assert receivers["webhook"]["webhook_configs"] == [{"url": "http://chat.example.com/hook", "send_resolved": True}]
    assert "alertmanagerSpec" not in values["alertmanager"]
    assert values["alertmanager"]["config"]["route"]["receiver"] == "webhook"


def test_a_secret_address_is_in_its_secret_and_nowhere_else() -> None:
    engine = _recorded(replace(MONITORING, webhook=WebhookPlan(url_key="alertWebhook")), CANARY)
    (secret,) = [
        each
        for each in engine.all("kubernetes:core/v1:Secret")
        if each.inputs["metadata"]["name"] == "alertmanager-webhook"
    ]
    assert isinstance(secret.inputs["stringData"], Secret), "the mark must hold in state"
    assert secret.plain_inputs["stringData"] == {"url": CANARY}
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert CANARY not in str(release.plain_inputs)
    alertmanager = release.inputs["values"]["alertmanager"]
    assert alertmanager["alertmanagerSpec"]["secrets"] == ["alertmanager-webhook"]
    (webhook,) = alertmanager["config"]["receivers"][1]["webhook_configs"]
    assert webhook["url_file"] == "/etc/alertmanager/secrets/alertmanager-webhook/url"
    assert "monitoring-alert-webhook" in release.depends_on, "Alertmanager's pod starts only with its Secret"


def test_a_secret_address_that_is_not_handed_over_is_refused() -> None:
    with pytest.raises(ValueError, match="webhook_url"):
        _recorded(replace(MONITORING, webhook=WebhookPlan(url_key="alertWebhook")))


def test_nodes_labels_that_cost_and_spot_alerts_read_are_asked_for() -> None:
    (allowed,) = prometheus_stack_values(MONITORING)["kube-state-metrics"]["metricLabelsAllowlist"]
    assert allowed == "nodes=[vllm-on-eks/pool,node.kubernetes.io/instance-type]"


def test_a_whole_program_with_a_secret_webhook_keeps_it_secret() -> None:
    model = {
        "name": "qwen",
        "source": "Qwen/Qwen2.5-7B-Instruct",
        "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
    }
    engine = run_program(
        {
            "nodePools": [{"name": "l4", "instanceTypes": ["g6.2xlarge"]}],
            "models": [model],
            "monitoring": {"alerts": {"receiver": {"kind": "webhook", "urlKey": "alertWebhook"}}},
        },
        secrets={"grafanaPassword": "p", "alertWebhook": CANARY},
    )
    assert CANARY not in repr([registration.inputs for registration in engine.registrations])
    assert {"monitoring-rules", "qwen-alerts"} <= {each.name for each in engine.all(RULE)}


def test_a_stack_without_alerts_has_costs_only_and_one_without_monitoring_nothing() -> None:
    model = {
        "name": "qwen",
        "source": "Qwen/Qwen2.5-7B-Instruct",
        "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
        "autoscaling": {"minReplicas": 1, "maxReplicas": 1},
    }
    pools = [{"name": "l4", "instanceTypes": ["g6.2xlarge"]}]
    silent = run_program(
        {"nodePools": pools, "models": [model], "monitoring": {"alerts": {"enabled": False}}},
        secrets={"grafanaPassword": "p"},
    )
    groups = [group for rule in silent.all(RULE) for group in rule.inputs["spec"]["groups"]]
    assert not any("alert" in rule for group in groups for rule in group["rules"])
    assert "stack.cost" in [group["name"] for group in groups]
    bare = run_program({"nodePools": pools, "models": [model], "monitoring": {"enabled": False}}, secrets={})
    assert bare.all(RULE) == []
