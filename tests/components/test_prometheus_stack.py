from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs, prometheus_stack_values
from components.cluster.storage_class import Gp3StorageClass, Gp3StorageClassArgs
from planning.model import MonitoringPlan, WebhookPlan
from tests.components.plans import CACHE, MIRROR, MONITORING
from tests.engine import Engine, Secret, record
from tests.golden import as_yaml, assert_matches
from tests.reference_data import chart_values

GOLDENS = Path(__file__).parent / "goldens"
NO_GRAFANA = replace(MONITORING, grafana=False, grafana_password_key=None)


def _recorded(plan: MonitoringPlan = MONITORING, password: str | None = "p") -> Engine:
    return record(lambda: PrometheusStack("monitoring", PrometheusStackArgs(plan, password)))


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("kube-prometheus-stack", MONITORING),
        ("kube-prometheus-stack-mirrored", replace(MONITORING, mirror=MIRROR)),
        ("kube-prometheus-stack-cached", replace(MONITORING, mirror=CACHE)),
        ("kube-prometheus-stack-without-grafana", NO_GRAFANA),
        ("kube-prometheus-stack-webhook", replace(MONITORING, webhook=WebhookPlan(url_key="alertWebhook"))),
    ],
)
def test_values_are_as_their_golden(name: str, plan: MonitoringPlan) -> None:
    assert_matches(GOLDENS / f"{name}.values.yaml", as_yaml(prometheus_stack_values(plan)))


def test_the_charts_inhibit_rules_are_kept_beside_ours() -> None:
    config = prometheus_stack_values(replace(MONITORING, webhook=WebhookPlan(url_key="alertWebhook")))
    ours = config["alertmanager"]["config"]["inhibit_rules"]
    charts = chart_values("kube-prometheus-stack")["alertmanager"]["config"]["inhibit_rules"]

    def what(rule: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(rule.get("source_matchers", ())), tuple(rule["target_matchers"])

    assert [what(rule) for rule in ours] == [what(rule) for rule in charts]


def test_alerts_that_a_healthy_stack_raises_for_ever_are_switched_off() -> None:
    disabled = prometheus_stack_values(MONITORING)["defaultRules"]["disabled"]
    assert disabled == {"KubeCPUOvercommit": True, "KubeMemoryOvercommit": True, "KubeHpaMaxedOut": True}


def test_our_monitors_are_found_without_the_releases_label() -> None:
    spec = prometheus_stack_values(MONITORING)["prometheus"]["prometheusSpec"]
    assert spec["podMonitorSelectorNilUsesHelmValues"] is False
    assert spec["serviceMonitorSelectorNilUsesHelmValues"] is False


def test_what_eks_hides_is_neither_scraped_nor_alerted_on() -> None:
    values = prometheus_stack_values(MONITORING)
    for hidden in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert values[hidden] == {"enabled": False}
    assert not any(values["defaultRules"]["rules"].values())


def test_the_oldest_samples_go_before_the_disk_is_full() -> None:
    spec = prometheus_stack_values(MONITORING)["prometheus"]["prometheusSpec"]
    assert spec["retentionSize"] == "45GiB"
    assert spec["storageSpec"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] == "50Gi"
    unsized = prometheus_stack_values(replace(MONITORING, retention_size_gib=None))
    assert "retentionSize" not in unsized["prometheus"]["prometheusSpec"]


def test_the_password_is_in_the_secret_and_nowhere_else() -> None:
    engine = _recorded(password="s3cret-canary")
    secret = engine.only("kubernetes:core/v1:Secret")
    assert secret.inputs["metadata"]["name"] == "grafana-admin"
    assert isinstance(secret.inputs["stringData"], Secret), "the mark must hold in state"
    assert secret.plain_inputs["stringData"] == {"admin-user": "admin", "admin-password": "s3cret-canary"}
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert release.inputs["values"]["grafana"]["admin"]["existingSecret"] == "grafana-admin"
    assert "s3cret-canary" not in str(release.plain_inputs)
    policies = {f"monitoring-{name}" for name in ("default-deny", "within", "from-api-server", "prometheus")}
    assert release.depends_on == {"monitoring-grafana-admin", *policies}, "Grafana's pod starts only with its Secret"


def test_without_grafana_there_is_no_secret() -> None:
    engine = _recorded(NO_GRAFANA, None)
    assert engine.all("kubernetes:core/v1:Secret") == []
    assert engine.only("kubernetes:helm.sh/v3:Release").inputs["values"]["grafana"] == {"enabled": False}


def test_grafana_without_a_password_is_refused_before_anything_is_registered() -> None:
    with pytest.raises(ValueError, match="grafana_password"):
        _recorded(password=None)


def test_the_address_follows_the_namespace_and_the_service_name_the_values_set() -> None:
    engine = _recorded(replace(MONITORING, namespace="watch"))
    outputs = engine.outputs_of(engine.only("vllm-on-eks:index:PrometheusStack"))
    assert outputs == {"namespace": "watch", "prometheusUrl": "http://kube-prometheus-stack-prometheus.watch.svc"}


def test_the_release_waits_for_the_storage_class_of_its_volume() -> None:
    def program() -> None:
        gp3 = Gp3StorageClass("gp3", Gp3StorageClassArgs("gp3"))
        PrometheusStack("monitoring", PrometheusStackArgs(MONITORING, pulumi.Output.secret("p"), after=(gp3,)))

    engine = record(program)
    assert "gp3-class" in engine.only("kubernetes:helm.sh/v3:Release").depends_on
    made = engine.only("kubernetes:storage.k8s.io/v1:StorageClass").inputs
    assert made["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"
