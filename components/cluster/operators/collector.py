"""The OpenTelemetry Collector's values: spans in by gRPC, spans out; no logs, no metrics, no rights in the cluster."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.resources import operator_resources
from planning.model import COLLECTOR, OTLP_PORT, OperatorPlan, TracingPlan
from planning.versions.pins import mirrored

IMAGE = "otel/opentelemetry-collector-k8s"
HEALTH_PORT = 13133
# The chart opens them by default, each with a port of the Service.
UNUSED_PORTS = ("otlp-http", "jaeger-compact", "jaeger-thrift", "jaeger-grpc", "zipkin")
AUTHORIZATION = "OTLP_AUTHORIZATION"


def collector_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart opentelemetry-collector; raises ValueError for a plan without tracing."""
    tracing = plan.tracing
    if tracing is None:
        raise ValueError(f"{plan.name}: nothing says where spans go")
    values: dict[str, Any] = {
        "mode": "deployment",
        "fullnameOverride": COLLECTOR,
        "image": {"repository": mirrored(IMAGE, plan.mirror)},
        "ports": {name: {"enabled": False} for name in UNUSED_PORTS},
        # A whole configuration: the chart's own would open receivers that are not needed.
        "alternateConfig": _configuration(tracing),
        "podSecurityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": operator_resources(plan),
    }
    if tracing.headers_secret:
        key = {"name": tracing.headers_secret, "key": "authorization"}
        values["extraEnvs"] = [{"name": AUTHORIZATION, "valueFrom": {"secretKeyRef": key}}]
    return values


def _configuration(plan: TracingPlan) -> dict[str, Any]:
    name, exporter = _exporter(plan)
    pipeline = {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": [name]}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"${{env:MY_POD_IP}}:{OTLP_PORT}"}}}},
        "processors": {
            "memory_limiter": {"check_interval": "5s", "limit_percentage": 80, "spike_limit_percentage": 25},
            "batch": {},
        },
        "exporters": {name: exporter},
        "extensions": {"health_check": {"endpoint": f"${{env:MY_POD_IP}}:{HEALTH_PORT}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": pipeline},
        },
    }


def _exporter(plan: TracingPlan) -> tuple[str, dict[str, Any]]:
    headers = {"headers": {"authorization": f"${{env:{AUTHORIZATION}}}"}} if plan.headers_secret else {}
    if plan.protocol == "http":
        return "otlp_http", {"endpoint": plan.export_url, **headers}
    address = f"{plan.export_host}:{plan.export_port}"
    # insecure is no TLS at all, to a Service of the cluster; nothing here switches the check of a certificate off.
    return "otlp_grpc", {"endpoint": address, "tls": {"insecure": not plan.encrypted}, **headers}
