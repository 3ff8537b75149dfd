"""The environment of a container, for the program that takes its settings from there."""

from __future__ import annotations

from typing import Any

import pytest

from local.monitoring.container_environment import container_environment
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
