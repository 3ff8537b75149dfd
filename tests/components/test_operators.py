"""Operators of serving backends: values, order, closed namespaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.cluster.operators import VALUES, Operator, OperatorArgs
from components.cluster.operators.kubeai import kubeai_budget, kubeai_policies, kubeai_selector
from components.serving.backends import BACKENDS
from planning.backends.table import operators
from planning.facts import rows
from planning.model import NAMESPACE_OWNERS, KubeaiPlan, OperatorPlan
from planning.versions import pins
from tests.components.plans import KSERVE, KUBEAI, MIRROR, MODEL, OPERATORS, TEMPLATE_MODEL, on
from tests.components.rendered import kubeai_pod
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
        assert plan.setting == ("models[].namespace" if row.beside_models else f"{row.setting}.namespace")
        assert (plan.kubeai is not None) == row.beside_models
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
    there = plan.namespace if plan.kubeai else None
    engine = record(lambda: Operator(plan.name, OperatorArgs(plan, (), there)))
    releases = engine.all("kubernetes:helm.sh/v3:Release")
    assert [release.inputs["name"] for release in releases] == list(plan.charts)
    policies = {each.name for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")}
    for index, release in enumerate(releases):
        assert policies <= release.depends_on
        assert {release.name for release in releases[:index]} <= release.depends_on
        assert release.inputs["namespace"] == plan.namespace
    if plan.kubeai:  # its models' namespace is closed already, and not its own
        assert engine.all("kubernetes:core/v1:Namespace") == []
        assert engine.named("kubeai-pdb").inputs["spec"]["selector"] == {"matchLabels": kubeai_selector()}
        return
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


def kubeai() -> KubeaiPlan:
    assert KUBEAI.kubeai is not None
    return KUBEAI.kubeai


def test_kubeais_pods_mount_their_weights_once_and_read_only() -> None:
    """Its own mount, for writing, is the last one whatever files a Model has."""
    for model in (on(MODEL, "kubeai"), on(TEMPLATE_MODEL, "kubeai")):
        (server,) = kubeai_pod(BACKENDS["kubeai"].manifest(model, "vllm-model"))["spec"]["containers"]
        mounts = [mount for mount in server["volumeMounts"] if mount["name"] == "model"]
        assert mounts == [{"name": "model", "mountPath": "/cache", "readOnly": True}]
        assert {"name": "scratch", "mountPath": "/tmp"} in server["volumeMounts"]


def test_kubeais_release_knows_its_models_and_no_token_and_no_page_without_login() -> None:
    values = VALUES["kubeai"](KUBEAI)
    assert set(values["resourceProfiles"]) == {each.name for each in kubeai().profiles}
    assert values["open-webui"] == {"enabled": False}
    assert {each["create"] for each in values["secrets"].values()} == {False}
    for profile in kubeai().profiles:
        rendered = values["resourceProfiles"][profile.name]
        assert rendered["limits"]["nvidia.com/gpu"] == str(profile.resources.gpus)
        assert rendered["nodeSelector"] == profile.node_selector
        assert ("podAffinity" in rendered["affinity"]) == profile.one_node
        assert profile.model in str(rendered["affinity"])


def test_kubeais_proxies_are_reached_by_their_models_clients_and_reach_servers_and_api_alone() -> None:
    (policy,) = kubeai_policies(KUBEAI)
    assert policy["spec"]["podSelector"]["matchLabels"] == kubeai_selector()
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    clients = policy["spec"]["ingress"][0]
    assert [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in clients["from"]] == [
        "models",
        "apps",
    ]
    pods = kubeai_pod(BACKENDS["kubeai"].manifest(on(MODEL, "kubeai"), "vllm-model"))["metadata"]["labels"]
    servers = policy["spec"]["egress"][0]["to"][0]["podSelector"]["matchLabels"]
    assert servers.items() <= pods.items()
    assert not servers.items() <= kubeai_selector().items()


def test_one_proxys_budget_lets_it_go() -> None:
    assert kubeai_budget(KUBEAI)["spec"]["maxUnavailable"] == 1
