"""The collector and the way of spans, as a program registers them."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster.operators.collector import collector_values
from tests.components.plans import COLLECTOR
from tests.program import example, run_program


def policy(engine: Any, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = next(
        each.inputs["spec"] for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy") if each.name == name
    )
    return spec


def test_spans_leave_a_server_to_the_collector_and_the_collector_to_one_namespace() -> None:
    engine = run_program(example("tracing"), "tracing")
    (to,) = [each for each in policy(engine, "chat-network-policy")["egress"] if each["ports"][0]["port"] == 4317]
    (peer,) = to["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "tracing"}
    spans = policy(engine, "opentelemetry-collector-spans")
    assert [each["from"][0]["namespaceSelector"]["matchLabels"] for each in spans["ingress"]] == [
        {"kubernetes.io/metadata.name": "models"}
    ]
    assert spans["egress"][0]["to"][0]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "observability"
    }
    release = next(each for each in engine.all("kubernetes:helm.sh/v3:Release") if "opentelemetry" in each.name)
    exporters = release.inputs["values"]["alternateConfig"]["exporters"]
    assert exporters == {"otlp_grpc": {"endpoint": "tempo.observability.svc:4317", "tls": {"insecure": True}}}
    assert "extraEnvs" not in release.inputs["values"]


def test_the_header_comes_from_a_secret_and_stands_nowhere() -> None:
    values = collector_values(COLLECTOR)
    assert values["extraEnvs"][0]["valueFrom"] == {"secretKeyRef": {"name": "otlp", "key": "authorization"}}
    exporter = values["alternateConfig"]["exporters"]["otlp_grpc"]
    assert exporter["headers"] == {"authorization": "${env:OTLP_AUTHORIZATION}"}
    assert exporter["tls"] == {"insecure": False}


def test_a_plan_without_tracing_has_no_collector() -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="nothing says where spans go"):
        collector_values(replace(COLLECTOR, tracing=None))
