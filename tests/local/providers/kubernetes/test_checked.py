"""Check: names, namespaces, secrets."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from local.providers.kubernetes.checked import autoname
from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.rpc import UNKNOWN, Secret
from tests.local.providers.driver import Driver

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"


@pytest.fixture
def engine() -> Driver:
    return Driver(KubernetesProvider())


def test_a_nameless_object_is_named_after_the_program_and_says_so(engine: Driver) -> None:
    inputs, failures = engine.check(CONFIG_MAP, "settings", {"metadata": {}, "data": {"a": "1"}})
    assert failures == []
    assert inputs["metadata"]["name"] == autoname("settings", b"seed")
    assert inputs["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert (inputs["apiVersion"], inputs["kind"]) == ("v1", "ConfigMap")


def test_a_named_object_gets_no_annotation(engine: Driver) -> None:
    inputs, _ = engine.check(CONFIG_MAP, "settings", {"metadata": {"name": "fixed"}})
    assert inputs["metadata"] == {"name": "fixed", "namespace": "default"}


def test_a_generated_name_is_kept_while_the_object_lives(engine: Driver) -> None:
    first, _ = engine.check(CONFIG_MAP, "settings", {"metadata": {}})
    old = {**first, "metadata": {**first["metadata"], "name": "settings-0badcafe"}}
    second, _ = engine.check(CONFIG_MAP, "settings", {"metadata": {"labels": {"a": "b"}}}, old)
    assert second["metadata"]["name"] == "settings-0badcafe"
    assert second["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}


def test_a_name_that_the_program_dropped_is_not_kept(engine: Driver) -> None:
    old = {"metadata": {"name": "fixed", "namespace": "default"}}
    inputs, _ = engine.check(CONFIG_MAP, "settings", {"metadata": {}}, old)
    assert inputs["metadata"]["name"].startswith("settings-")


@pytest.mark.parametrize(
    ("type_token", "is_namespaced"),
    [
        (CONFIG_MAP, True),
        ("kubernetes:apps/v1:Deployment", True),
        ("kubernetes:core/v1:Namespace", False),
        ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", False),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", True),
        ("kubernetes:storage.k8s.io/v1:StorageClass", False),
        ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", False),
        ("kubernetes:scheduling.k8s.io/v1:PriorityClass", False),
    ],
)
def test_only_kinds_that_live_in_namespaces_get_one(engine: Driver, type_token: str, is_namespaced: bool) -> None:
    inputs, _ = engine.check(type_token, "x", {"metadata": {"name": "x"}})
    assert ("namespace" in inputs["metadata"]) == is_namespaced


def test_the_namespace_of_the_provider_is_the_default() -> None:
    provider = KubernetesProvider()
    provider.configure({"namespace": "models"})
    inputs, _ = Driver(provider).check(CONFIG_MAP, "x", {"metadata": {"name": "x"}})
    assert inputs["metadata"]["namespace"] == "models"


def test_a_secret_holds_its_strings_encoded_and_secret(engine: Driver) -> None:
    news = {"metadata": {"name": "s"}, "stringData": {"token": Secret("hf_canary")}, "data": {"other": "eA=="}}
    inputs, _ = engine.check(SECRET, "s", news)
    encoded = base64.b64encode(b"hf_canary").decode()
    assert inputs["data"] == Secret({"other": "eA==", "token": encoded})
    assert "stringData" not in inputs


def test_an_unknown_string_of_a_secret_stays_unknown(engine: Driver) -> None:
    inputs, _ = engine.check(SECRET, "s", {"metadata": {"name": "s"}, "stringData": {"token": UNKNOWN}})
    assert inputs["data"] == Secret({"token": UNKNOWN})


@pytest.mark.parametrize(
    ("type_token", "news", "text"),
    [
        (CONFIG_MAP, {"metadata": {"generateName": "x-"}}, "generateName` field is not supported"),
        ("kubernetes:core/v1:ConfigMapPatch", {"kind": "ConfigMap", "metadata": {}}, "patch resources require"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(engine: Driver, type_token: str, news: dict[str, Any], text: str) -> None:
    _, failures = engine.check(type_token, "x", news)
    assert len(failures) == 1
    assert text in failures[0]
