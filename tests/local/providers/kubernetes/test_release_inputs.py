"""Helm releases: defaults, charts of this machine, what an upgrade is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.kubernetes.release import resource_names
from local.providers.kubernetes.release_inputs import CHARTS_DIR_ENV, DEFAULTS
from local.providers.kubernetes.tokens import built_in_scope
from local.providers.rpc import UNKNOWN, Secret
from tests.local.providers.driver import Driver

RELEASE = "kubernetes:helm.sh/v3:Release"
MANIFEST = """
kind: ConfigMap
apiVersion: v1
metadata: {name: rel-cm}
---
# nothing but a comment
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: rel-web, namespace: models}}
---
{kind: ClusterRole, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: rel}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: other, namespace: kube-system}}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    chart = tmp_path / "gpu-operator"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: gpu-operator\nversion: 0.1.0\n")
    monkeypatch.setenv(CHARTS_DIR_ENV, str(tmp_path))
    return Driver(KubernetesProvider())


def test_every_default_is_filled_in_and_the_version_comes_from_the_chart(driver: Driver) -> None:
    inputs, failures = driver.check(RELEASE, "gpu", {"chart": "gpu-operator", "compat": "true"})
    assert failures == []
    assert {key: inputs[key] for key in DEFAULTS} == DEFAULTS
    assert (inputs["timeout"], inputs["namespace"], inputs["version"]) == (300, "default", "0.1.0")
    assert inputs["name"].startswith("gpu-")
    assert inputs["values"] == {}


def test_a_given_version_and_repository_are_kept_though_the_chart_is_local(driver: Driver) -> None:
    given = {
        "chart": "oci://registry.example/charts/gpu-operator",
        "version": "v26.7.0",
        "name": "gpu",
        "repositoryOpts": {"repo": "https://helm.ngc.nvidia.com/nvidia"},
    }
    inputs, failures = driver.check(RELEASE, "gpu", given)
    assert failures == []
    assert {key: inputs[key] for key in given} == given


def test_a_release_that_is_not_awaited_has_no_time_limit(driver: Driver) -> None:
    inputs, _ = driver.check(RELEASE, "gpu", {"chart": "gpu-operator", "skipAwait": True})
    assert inputs["timeout"] == 0


def test_a_generated_release_name_is_kept(driver: Driver) -> None:
    inputs, _ = driver.check(RELEASE, "gpu", {"chart": "gpu-operator"}, {"name": "gpu-0badcafe"})
    assert inputs["name"] == "gpu-0badcafe"


def test_null_values_are_left_out_unless_they_are_wanted(driver: Driver) -> None:
    given: dict[str, Any] = {"chart": "gpu-operator", "values": {"a": None, "b": Secret({"c": None, "d": 1})}}
    assert driver.check(RELEASE, "g", given)[0]["values"] == {"b": Secret({"d": 1})}
    kept, _ = driver.check(RELEASE, "g", {**given, "allowNullValues": True})
    assert kept["values"] == given["values"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"chart": "nope"}, 'path "nope" not found; check the chart name'),
        ({}, "needs a chart"),
        ({"chart": "gpu-operator", "vlues": {}}, 'unknown property "vlues"'),
        ({"chart": "gpu-operator", "recreatePods": True}, 'does not do "recreatePods"'),
    ],
)
def test_what_cannot_be_installed_is_refused(driver: Driver, given: dict[str, Any], text: str) -> None:
    _, failures = driver.check(RELEASE, "gpu", given)
    assert len(failures) == 1
    assert text in failures[0]


def test_without_local_charts_the_variable_is_named(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHARTS_DIR_ENV)
    _, failures = driver.check(RELEASE, "gpu", {"chart": "gpu-operator"})
    assert CHARTS_DIR_ENV in failures[0]


def test_changed_values_upgrade_and_another_namespace_replaces(driver: Driver) -> None:
    old = {"name": "r", "namespace": "a", "values": {"replicas": 1}, "version": "1"}
    upgrade = driver.diff(RELEASE, old, {**old, "values": {"replicas": 2}, "version": "2"})
    assert dict(upgrade.detailedDiff).keys() == {"values.replicas", "version"}
    assert list(upgrade.replaces) == []
    moved = driver.diff(RELEASE, old, {**old, "namespace": "b"})
    assert list(moved.replaces) == ["namespace"]
    assert not moved.deleteBeforeReplace


def test_a_preview_neither_renders_nor_connects(driver: Driver) -> None:
    inputs = {"name": "r", "namespace": "a", "chart": "gpu-operator", "values": {"token": Secret("x")}}
    assert driver.create(RELEASE, "r", inputs, preview=True) == (
        "",
        {**inputs, "status": UNKNOWN, "resourceNames": UNKNOWN},
    )


def test_resource_names_are_bare_in_the_releases_own_namespace() -> None:
    names = resource_names(MANIFEST, "models", lambda version, kind: built_in_scope(version, kind) is not False)
    assert names == {
        "ConfigMap/v1": ["rel-cm", "kube-system/other"],
        "Deployment.apps/apps/v1": ["rel-web"],
        "ClusterRole.rbac.authorization.k8s.io/rbac.authorization.k8s.io/v1": ["rel"],
    }
