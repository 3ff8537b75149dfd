"""OpenCost's release: the plan's prices, one way in for Prometheus, and none of the ways that ask no one who it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from components.cluster.operators.open_cost import open_cost_values
from planning.model import PROMETHEUS_SERVICE
from tests.components.plans import OPEN_COST
from tests.engine import Engine
from tests.program import run_program, sections_of
from tests.reference_data import chart_values


@pytest.fixture(scope="module")
def engine() -> Engine:
    return run_program({**sections_of("dev"), "openCost": {"install": True}}, "dev")


def test_every_price_of_the_chart_is_said_again() -> None:
    said = open_cost_values(OPEN_COST)["opencost"]["customPricing"]
    assert said["enabled"] is True
    assert set(said["costModel"]) == set(chart_values("opencost")["opencost"]["customPricing"]["costModel"])
    assert said["costModel"]["GPU"] == 0.5753
    assert {said["costModel"][kind] for kind in ("CPU", "spotCPU")} == {0.0328}


def test_ui_and_assistant_which_ask_no_one_who_it_is_are_off() -> None:
    values = open_cost_values(OPEN_COST)["opencost"]
    assert values["ui"] == values["mcp"] == {"enabled": False}
    assert chart_values("opencost")["opencost"]["mcp"]["enabled"] is True


def test_no_series_that_our_rules_read_comes_a_second_time_from_it(engine: Engine) -> None:
    """Names that it exports like kube-state-metrics (docs of OpenCost's metrics, read 2026-11-28)."""
    exported = {
        *("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available", "kube_job_status_failed"),
        *("kube_namespace_labels", "kube_node_labels", "kube_pod_labels", "kube_pod_owner", "kube_pod_status_phase"),
    }
    rules = [rule.inputs["spec"] for rule in engine.all("kubernetes:monitoring.coreos.com/v1:PrometheusRule")]
    read = set(re.findall(r"kube_\w+", str(rules)))
    assert len(read & exported) > 2
    (dropped,) = open_cost_values(OPEN_COST)["opencost"]["metrics"]["serviceMonitor"]["metricRelabelings"]
    assert read & exported <= set(dropped["regex"].split("|"))
    assert dropped["action"] == "drop"


def test_the_release_asks_prometheus_and_is_asked_by_it_alone(engine: Engine) -> None:
    release = engine.named("opencost", "kubernetes:helm.sh/v3:Release").inputs
    asked = release["values"]["opencost"]["prometheus"]
    assert asked["external"] == {"enabled": True, "url": f"http://{PROMETHEUS_SERVICE}.monitoring.svc:9090"}
    policies = {
        each.name: each.inputs["spec"]
        for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each.name.startswith("opencost-")
    }
    (rule,) = policies["opencost-prometheus"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [9003]
    assert policies["opencost-prometheus"]["egress"]


def test_a_plan_without_prices_is_no_release() -> None:
    with pytest.raises(ValueError, match="nothing says what it counts with"):
        open_cost_values(replace(OPEN_COST, open_cost=None))
