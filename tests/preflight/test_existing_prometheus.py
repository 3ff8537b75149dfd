"""A Prometheus of an existing cluster: asked for what it selects, who its pods are, and what it knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from preflight.merge import findings
from preflight.model import PreflightReport, Verdict
from preflight.questions.prometheus import selector_matches
from tests.preflight.accounts import account, asked, planned, said
from tests.preflight.test_existing_cluster import ALL, GP3, api_server, made, stack

NAMESPACE, SERVICE = "observability", "prometheus-operated"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
PODS = f"{CORE}/pods?labelSelector={quote('app.kubernetes.io/name=prometheus', safe='')}"
PROXY = f"{CORE}/services/{SERVICE}:9090/proxy/api/v1/query?query="
READY, NODES = "count(kube_pod_status_ready)", 'count(kube_node_labels{label_node_kubernetes_io_instance_type!=""})'
ANSWER = {"data": {"result": [{"value": [0, "3"]}]}}
ALL_NAMESPACES = {f"{kind}NamespaceSelector": {} for kind in ("podMonitor", "serviceMonitor", "rule")}
BY_RELEASE = {
    f"{kind}Selector": {"matchLabels": {"release": "prom"}} for kind in ("podMonitor", "serviceMonitor", "rule")
}


def objects(spec: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A cluster whose Prometheus takes what is labelled with its release, in all namespaces."""
    spec_used = {**BY_RELEASE, **ALL_NAMESPACES, **(spec or {})}
    return {
        **GP3,
        f"{CORE}/services/{SERVICE}": {"metadata": {"name": SERVICE}, "spec": {"ports": [{"port": 9090}]}},
        f"{CORE}/services": {"items": [{"metadata": {"name": SERVICE}}]},
        PODS: {"items": [{"metadata": {"name": "prometheus-0"}}]},
        "/apis/monitoring.coreos.com/v1/prometheuses": {
            "items": [{"metadata": {"namespace": NAMESPACE, "name": "main"}, "spec": spec_used}]
        },
        f"{PROXY}{quote(READY, safe='')}": ANSWER,
        f"{PROXY}{quote(NODES, safe='')}": ANSWER,
    }


def asked_of(folder: Path, known: Mapping[str, Any], **prometheus: Any) -> tuple[Any, PreflightReport]:
    labels = {"monitorLabels": {"release": "prom"}, "ruleLabels": {"release": "prom"}}
    there = {"kind": "existing", "namespace": NAMESPACE, **labels, **prometheus}
    with account() as aws, api_server(folder, known):
        plan = planned({**stack(made(ALL)), "monitoring": {"prometheus": there}})
        return plan, asked(plan, aws)


def test_one_that_selects_and_answers_is_fine(tmp_path: Path) -> None:
    plan, report = asked_of(tmp_path, objects())
    assert said(report) == {}
    assert "existing-prometheus" not in {finding.rule for finding in findings(plan, report)}


def test_labels_that_it_does_not_select_by_are_told_with_those_to_write(tmp_path: Path) -> None:
    _, report = asked_of(tmp_path, objects(), monitorLabels={}, ruleLabels={"release": "other"})
    texts = {each.path: each.text for each in report.of(Verdict.ERROR)}
    assert texts["monitoring.prometheus.monitorLabels"].endswith("write monitorLabels: {release: prom}")
    assert texts["monitoring.prometheus.ruleLabels"].endswith("write ruleLabels: {release: prom}")


def test_what_it_does_not_ask_by_settles_that_no_label_was_written(tmp_path: Path) -> None:
    takes_all = {f"{kind}Selector": {} for kind in ("podMonitor", "serviceMonitor", "rule")}
    plan, report = asked_of(tmp_path, objects(takes_all), monitorLabels={}, ruleLabels={})
    assert said(report) == {}
    assert "existing-prometheus" in {finding.rule for finding in plan.findings}
    assert "existing-prometheus" not in {finding.rule for finding in findings(plan, report)}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"podMonitorNamespaceSelector": None}, "its own namespace only, and ours are in models"),
        ({"ruleNamespaceSelector": {"matchLabels": {"team": "x"}}}, "and ours are in models, monitoring"),
        ({"podMonitorSelector": None}, "podMonitorSelector is not set"),
    ],
)
def test_namespaces_and_kinds_that_it_does_not_look_at_are_told(
    tmp_path: Path, spec: dict[str, Any], words: str
) -> None:
    _, report = asked_of(tmp_path, objects(spec))
    texts = [each.text for each in report.of(Verdict.ERROR)]
    assert len(texts) == 1
    assert words in texts[0]


def test_a_service_a_port_and_pods_that_are_not_there_are_told(tmp_path: Path) -> None:
    _, report = asked_of(tmp_path / "a", objects(), service="prom")
    assert said(report, Verdict.ERROR)["monitoring.prometheus.service"][0].startswith(
        f"no Service prom in namespace {NAMESPACE} (it has {SERVICE})"
    )
    _, report = asked_of(tmp_path / "b", objects(), port=80)
    assert "has no port 80 (it has 9090)" in said(report, Verdict.ERROR)["monitoring.prometheus.port"][0]
    _, report = asked_of(tmp_path / "c", {**objects(), PODS: {"items": []}})
    assert "network policies would keep it out" in said(report, Verdict.ERROR)["monitoring.prometheus.podLabels"][0]


def test_series_that_alerts_and_costs_rest_on_are_looked_for(tmp_path: Path) -> None:
    empty = {"data": {"result": []}}
    _, report = asked_of(tmp_path, {**objects(), f"{PROXY}{quote(NODES, safe='')}": empty})
    (told,) = [each.text for each in report.of(Verdict.WARNING)]
    assert "--metric-labels-allowlist=nodes=[vllm-on-eks/pool,node.kubernetes.io/instance-type]" in told


def test_an_address_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    silent = {key: value for key, value in objects().items() if not key.startswith(PROXY)}
    _, report = asked_of(tmp_path, silent)
    (told,) = report.of(Verdict.UNKNOWN)
    assert "did not answer a query" in told.message


def test_another_custom_metrics_api_is_an_error(tmp_path: Path) -> None:
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.custom.metrics.k8s.io"
    _, report = asked_of(tmp_path, {**objects(), path: {"spec": {"service": {"namespace": "custom-metrics"}}}})
    message = said(report, Verdict.ERROR)["monitoring.namespace"]
    assert message[0].startswith("there is a custom metrics API in namespace custom-metrics")


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
    ],
)
def test_selectors_are_read_as_kubernetes_reads_them(selector: dict[str, Any] | None, matches: bool) -> None:
    assert selector_matches(selector, {"a": "1"}) is matches
