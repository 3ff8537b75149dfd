"""The provider against a running API server (any: the platform's own). Needs VLLM_ON_EKS_KUBECONFIG = a kubeconfig.

Each test works in a namespace of its own and deletes it. Pods need not run: what must become ready is of kinds that
the API server or the controllers settle by themselves.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.kubernetes.release_inputs import CHARTS_DIR_ENV
from local.providers.kubernetes.state import reference
from local.providers.rpc import InitFailed, ProviderError, Secret
from tests.local.providers.driver import Driver

pytestmark = pytest.mark.live

NAMESPACE = "kubernetes:core/v1:Namespace"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.1.0\nappVersion: '9'\n",
    "values.schema.json": '{"type": "object", "additionalProperties": false, "properties": {"k": {"type": "string"}}}',
    "templates/cm.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-cm}\n"
        "data: {k: {{ .Values.k | quote }}}\n"
    ),
}


@pytest.fixture(scope="module")
def driver() -> Driver:
    kubeconfig = os.environ.get("VLLM_ON_EKS_KUBECONFIG")
    if not kubeconfig:
        pytest.skip("VLLM_ON_EKS_KUBECONFIG does not name a kubeconfig")
    provider = KubernetesProvider()
    provider.configure({"kubeconfig": Path(kubeconfig).read_text()})
    return Driver(provider)


@pytest.fixture
def namespace(driver: Driver) -> Iterator[str]:
    name = f"provider-live-{uuid.uuid4().hex[:8]}"
    inputs, _ = driver.check(NAMESPACE, name, {"metadata": {"name": name}})
    object_id, state = driver.create(NAMESPACE, name, inputs)
    assert object_id == name
    yield name
    driver.delete(NAMESPACE, object_id, state, timeout=60)
    assert live_of(driver, "v1", "Namespace", name) is None  # delete waits until it is really gone


def live_of(driver: Driver, api_version: str, kind: str, object_id: str) -> Any:
    return cluster_of(driver).find(reference(api_version, kind, object_id))


def cluster_of(driver: Driver) -> Any:
    provider = driver.provider
    assert isinstance(provider, KubernetesProvider)
    return provider.cluster


def config_map(driver: Driver, namespace: str, data: dict[str, str], **metadata: Any) -> dict[str, Any]:
    news = {"metadata": {"name": "c", "namespace": namespace, **metadata}, "data": data}
    inputs, failures = driver.check(CONFIG_MAP, "c", news)
    assert failures == []
    return dict(inputs)


def edit(driver: Driver, live: Any, manager: str, patch: dict[str, Any]) -> None:
    cluster = cluster_of(driver)
    cluster.request(
        "PATCH",
        cluster.path(live),
        query={"fieldManager": manager},
        body=patch,
        content_type="application/merge-patch+json",
    )


def test_the_life_of_an_object(driver: Driver, namespace: str) -> None:
    inputs = config_map(driver, namespace, {"a": "1", "b": "2"})
    _, preview = driver.create(CONFIG_MAP, "c", inputs, preview=True)
    assert preview["metadata"]["uid"]
    assert live_of(driver, "v1", "ConfigMap", f"{namespace}/c") is None
    object_id, state = driver.create(CONFIG_MAP, "c", inputs)
    assert driver.read(CONFIG_MAP, object_id, inputs, state)[1] == inputs
    fewer = config_map(driver, namespace, {"a": "3"}, labels={"x": "y"})
    state = driver.update(CONFIG_MAP, "c", state, fewer)
    assert state["data"] == {"a": "3"}  # b is gone, for the update took over what the create owned
    assert state["metadata"]["labels"] == {"x": "y"}
    managers = {entry["manager"]: entry["operation"] for entry in state["metadata"]["managedFields"]}
    assert managers == {state["__fieldManager"]: "Apply"}
    driver.delete(CONFIG_MAP, object_id, state)
    assert driver.read(CONFIG_MAP, object_id, fewer, state)[0] == ""


def test_a_field_that_the_server_does_not_know_is_an_error(driver: Driver, namespace: str) -> None:
    inputs = {**config_map(driver, namespace, {}), "dta": {"a": "1"}}
    with pytest.raises(ProviderError, match='unknown field "dta"'):
        driver.create(CONFIG_MAP, "c", inputs, preview=True)


def test_an_edit_with_kubectl_is_turned_back_and_what_others_hold_conflicts(driver: Driver, namespace: str) -> None:
    inputs = config_map(driver, namespace, {"a": "1"})
    object_id, state = driver.create(CONFIG_MAP, "c", inputs)
    edit(driver, state, "kubectl-patch", {"data": {"a": "edited", "extra": "x"}})
    _, refreshed, _ = driver.read(CONFIG_MAP, object_id, inputs, state)
    assert refreshed["data"] == {"a": "edited"}
    state = driver.update(CONFIG_MAP, "c", state, inputs)
    assert state["data"] == {"a": "1"}
    edit(driver, state, "somebody", {"data": {"a": "held"}})
    with pytest.raises(InitFailed, match='conflict with "somebody"'):
        driver.update(CONFIG_MAP, "c", state, inputs)
    forced = config_map(driver, namespace, {"a": "1"}, annotations={"pulumi.com/patchForce": "true"})
    assert driver.update(CONFIG_MAP, "c", state, forced)["data"] == {"a": "1"}


def test_a_kind_that_is_not_there_previews_as_a_create(driver: Driver) -> None:
    inputs = {"apiVersion": "none.example/v1", "kind": "None", "metadata": {"name": "x", "namespace": "default"}}
    assert driver.create("kubernetes:none.example/v1:None", "x", inputs, preview=True) == ("", inputs)


def test_a_deployment_that_cannot_run_is_kept_with_its_reasons(driver: Driver, namespace: str) -> None:
    pod = {"containers": [{"name": "c", "image": "none:1", "resources": {"requests": {"cpu": "10k"}}}]}
    news = {
        "metadata": {"name": "x", "namespace": namespace, "annotations": {"pulumi.com/timeoutSeconds": "2"}},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod},
        },
    }
    inputs, _ = driver.check(DEPLOYMENT, "x", news)
    with pytest.raises(InitFailed) as caught:
        driver.create(DEPLOYMENT, "x", inputs)
    assert caught.value.object_id == f"{namespace}/x"
    assert caught.value.reasons[0].endswith("'x' timed out waiting to be Ready")
    assert caught.value.reasons[1] == "Minimum number of live Pods was not attained"
    state = caught.value.properties
    with pytest.raises(InitFailed, match="Minimum number of live Pods"):
        driver.read(DEPLOYMENT, f"{namespace}/x", inputs, state)
    scaled = {**inputs, "spec": {**inputs["spec"], "replicas": 0}}
    assert driver.update(DEPLOYMENT, "x", state, scaled)["spec"]["replicas"] == 0


def test_a_deletion_that_a_finalizer_holds_fails_and_names_it(driver: Driver, namespace: str) -> None:
    inputs = config_map(driver, namespace, {}, finalizers=["example.com/f"])
    object_id, state = driver.create(CONFIG_MAP, "c", inputs)
    with pytest.raises(ProviderError, match="timed out waiting for the condition"):
        driver.delete(CONFIG_MAP, object_id, state, timeout=1)
    assert ("warning", "finalizers might be preventing deletion (example.com/f)") in driver.lines
    edit(driver, state, "kubectl", {"metadata": {"finalizers": None}})


def test_a_patch_adds_its_fields_and_gives_them_back(driver: Driver, namespace: str) -> None:
    object_id, state = driver.create(CONFIG_MAP, "c", config_map(driver, namespace, {"a": "1"}))
    patch_type = "kubernetes:core/v1:ConfigMapPatch"
    news = {"kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": {"b": "2"}}
    inputs, _ = driver.check(patch_type, "p", news)
    _, patch_state = driver.create(patch_type, "p", inputs)
    assert patch_state["data"] == {"a": "1", "b": "2"}
    driver.delete(patch_type, object_id, patch_state)
    assert live_of(driver, "v1", "ConfigMap", object_id)["data"] == {"a": "1"}
    driver.delete(CONFIG_MAP, object_id, state)


@pytest.fixture
def charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("helm_python")
    for name, text in CHART.items():
        file = tmp_path / "demo" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setenv(CHARTS_DIR_ENV, str(tmp_path))


@pytest.mark.usefixtures("charts")
def test_the_life_of_a_release(driver: Driver, namespace: str) -> None:
    news = {"chart": "demo", "name": "r", "namespace": namespace, "values": {"k": Secret("canary")}, "timeout": 20}
    inputs, failures = driver.check(RELEASE, "r", news)
    assert failures == []
    object_id, state = driver.create(RELEASE, "r", inputs)
    assert object_id == f"{namespace}/r"
    assert state["status"]["revision"] == 1
    assert state["status"]["status"] == "deployed"
    assert state["resourceNames"] == {"ConfigMap/v1": ["r-cm"]}
    assert "canary" not in repr(state)
    assert live_of(driver, "v1", "ConfigMap", f"{namespace}/r-cm")["data"] == {"k": "canary"}
    with pytest.raises(ProviderError, match="name that is still in use"):
        driver.create(RELEASE, "r", inputs)
    with pytest.raises(ProviderError, match="additional properties"):
        driver.update(RELEASE, "r", state, {**inputs, "values": {"unknown": 1}})
    state = driver.update(RELEASE, "r", state, {**inputs, "values": {"k": "2"}})
    assert state["status"]["revision"] == 2
    assert driver.read(RELEASE, object_id, inputs, state)[0] == object_id
    driver.delete(RELEASE, object_id, state)
    assert live_of(driver, "v1", "ConfigMap", f"{namespace}/r-cm") is None
    assert driver.read(RELEASE, object_id, inputs, state)[0] == ""
    driver.delete(RELEASE, object_id, state)
