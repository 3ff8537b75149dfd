"""Operators of serving backends: values, order, closed namespaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.cluster.operators import VALUES, Operator, OperatorArgs
from planning.backends.table import operators
from planning.facts import rows
from planning.model import NAMESPACE_OWNERS, OperatorPlan
from planning.versions import pins
from tests.components.plans import KSERVE, MIRROR, OPERATORS
from tests.engine import record
from tests.golden import as_yaml, assert_matches
from tests.reference_data import chart_values

GOLDENS = Path(__file__).parent / "goldens"
CHARTS = [(plan, chart) for plan in OPERATORS for chart in plan.charts]


@pytest.mark.parametrize(("plan", "chart"), CHARTS, ids=lambda each: str(getattr(each, "name", each)))
def test_values_are_as_their_golden(plan: OperatorPlan, chart: str) -> None:
    if chart in VALUES:
        assert_matches(GOLDENS / f"{chart}.values.yaml", as_yaml(VALUES[chart](plan)))
    else:
        assert chart_values(chart) == {}, f"{chart} has values; say which ones we want"


def test_the_plans_of_these_tests_are_the_rows_of_the_table() -> None:
    assert [plan.name for plan in OPERATORS] == list(operators())
    for plan in OPERATORS:
        row = operators()[plan.name]
        assert (tuple(plan.charts), plan.webhook_ports) == (row.charts, row.webhook_ports)
        assert plan.setting == f"{row.setting}.namespace"
        assert plan.setting in NAMESPACE_OWNERS
        assert set(plan.charts) <= set(pins.CHARTS)


@pytest.mark.parametrize(("plan", "chart"), CHARTS, ids=lambda each: str(getattr(each, "name", each)))
def test_behind_a_mirror_every_image_of_a_chart_is_named_there(plan: OperatorPlan, chart: str) -> None:
    of_chart = [row["image"] for row in rows("chart_images.csv") if row["chart"] == chart]
    text = as_yaml(VALUES[chart](replace(plan, mirror=MIRROR))) if chart in VALUES else ""
    for image in of_chart:
        place = image.removeprefix("docker.io/")
        whole = {f"{MIRROR}/{place}", f"{MIRROR}/{place.partition('/')[0]}\n", f"imageRegistry: {MIRROR}\n"}
        assert any(each in text for each in whole), image


@pytest.mark.parametrize("plan", OPERATORS, ids=lambda plan: str(plan.name))
def test_releases_come_one_after_another_behind_closed_doors(plan: OperatorPlan) -> None:
    engine = record(lambda: Operator(plan.name, OperatorArgs(plan)))
    releases = engine.all("kubernetes:helm.sh/v3:Release")
    assert [each.inputs["name"] for each in releases] == list(plan.charts)
    policies = {each.name for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")}
    for index, release in enumerate(releases):
        assert policies <= release.depends_on
        assert {each.name for each in releases[:index]} <= release.depends_on
        assert release.inputs["namespace"] == plan.namespace
    namespace = engine.only("kubernetes:core/v1:Namespace")
    level = NAMESPACE_OWNERS[plan.setting].level
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == level
    assert any(each.inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
               for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy"))  # fmt: skip


def test_kserve_makes_no_ingress_and_no_name_that_is_too_long() -> None:
    gateway = VALUES["kserve-resources"](KSERVE)["kserve"]["controller"]["gateway"]
    assert gateway["disableIngressCreation"] is True
    longest = {"Name": "n" * 40 + "-predictor", "Namespace": "m" * 40, "IngressDomain": "example.com"}
    host = gateway["domainTemplate"]
    for key, value in longest.items():
        host = host.replace(f"{{{{ .{key} }}}}", value)
    assert max(len(label) for label in host.split(".")) <= 63
