"""The environment of a container, for the program that takes its settings from there."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from local.monitoring.container_environment import container_environment, with_keys
from local.monitoring.mounts import Missing
from tests.local.monitoring.objects import pod

RESOURCES = {"requests": {"cpu": "200m"}, "limits": {"memory": "1Gi"}}


def _environment(*entries: dict[str, Any], **container: Any) -> dict[str, str]:
    return container_environment(pod("p", namespace="kube-system"), {"env": list(entries), **container})


def test_values_fields_and_resources_are_as_a_kubelet_gives_them() -> None:
    def resource(name: str, resource: str, divisor: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}}

    environment = _environment(
        {"name": "CLUSTER_NAME", "value": "c"},
        {"name": "EMPTY"},
        {"name": "SYSTEM_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        resource("CPU_REQUESTS", "requests.cpu", "1m"),
        resource("MEMORY_LIMIT", "limits.memory", "0"),
        resource("NONE", "limits.cpu", "1"),
        resources=RESOURCES,
    )
    assert environment == {
        "CLUSTER_NAME": "c",
        "EMPTY": "",
        "SYSTEM_NAMESPACE": "kube-system",
        "CPU_REQUESTS": "200",
        "MEMORY_LIMIT": str(2**30),
        "NONE": "0",
    }
    assert _environment() == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "s", "key": "k"}}, "X: secretKeyRef is not played"),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "no field status.hostIP"),
    ],
)
def test_a_program_is_not_started_without_what_it_was_to_have(source: dict[str, Any], words: str) -> None:
    with pytest.raises(LookupError, match=words):
        _environment({"name": "X", "valueFrom": source})


OBJECTS: dict[str, dict[str, Any]] = {
    "/api/v1/namespaces/own/secrets/s": {"kind": "Secret", "data": {"k": base64.b64encode(b"v").decode()}},
    "/api/v1/namespaces/own/configmaps/c": {"kind": "ConfigMap", "data": {"k": "w"}},
}


def _with_keys(*entries: dict[str, Any]) -> dict[str, str]:
    async def fetch(path: str) -> dict[str, Any] | None:
        return OBJECTS.get(path)

    item = pod("p", namespace="own", env=list(entries))
    made = asyncio.run(with_keys(item, fetch))
    assert item["spec"]["containers"][0]["env"] == list(entries), "what the watch told stays as it is"
    return container_environment(made, made["spec"]["containers"][0])


def _key(field: str, name: str, key: str, **more: Any) -> dict[str, Any]:
    return {"name": field, "valueFrom": {field: {"name": name, "key": key, **more}}}


def test_keys_of_secrets_and_config_maps_are_values_as_a_kubelet_gives_them() -> None:
    absent = _key("configMapKeyRef", "none", "k", optional=True)
    assert _with_keys(_key("secretKeyRef", "s", "k"), absent, {"name": "X", "value": "1"}) == {
        "secretKeyRef": "v",
        "X": "1",
    }
    assert _with_keys(_key("configMapKeyRef", "c", "k")) == {"configMapKeyRef": "w"}
    assert _with_keys() == {}


@pytest.mark.parametrize(("name", "key"), [("none", "k"), ("s", "other")])
def test_a_key_that_is_not_there_is_waited_for(name: str, key: str) -> None:
    with pytest.raises(Missing, match=f"secrets own/{name}, key {key}"):
        _with_keys(_key("secretKeyRef", name, key))
