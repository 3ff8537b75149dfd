"""Traces: where spans of requests go, and of how many of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settings.findings import WrongValue
from settings.names import ObjectName
from settings.types import DnsLabel, Section, described, kind_defaults_to
from settings.urls import WebAddress, url_parts

IN_CLUSTER = (".svc", ".svc.cluster.local")


def is_inside(host: str) -> bool:
    """Whether it is a Service's."""
    return host.endswith(IN_CLUSTER)


class NoTracing(Section):
    """No spans."""

    kind: Literal["none"] = "none"


class CollectorTracing(Section):
    """Servers send spans to an OpenTelemetry Collector, which sends them on."""

    kind: Literal["collector"]
    install: bool = described(
        "install the collector; false: the cluster has one, its Service otel-collector in this namespace", default=True
    )
    namespace: DnsLabel = described("of the collector", default="tracing")
    endpoint: Annotated[str, WebAddress(query=False)] = described(
        "where spans go from there by OTLP: https://otlp.example.com:4317, http://tempo.observability.svc:4317"
    )
    protocol: Literal["grpc", "http"] = described("what is spoken there", default="grpc")
    headers_secret: ObjectName | None = described(
        "Secret in the collector's namespace whose key authorization is the header of that name; default: none is sent",
        default=None,
    )
    sampling_percent: float = described(
        "share of requests that are traced; one that comes with a decision in its traceparent header keeps it",
        default=5.0,
        ge=0.001,
        le=100,
    )

    @model_validator(mode="after")
    def _address(self) -> CollectorTracing:
        parts = url_parts(self.endpoint)
        if parts.scheme == "http" and not is_inside(parts.host):
            raise WrongValue(
                f"endpoint {self.endpoint} sends spans through the network in plain text",
                "write https://..., or a Service of the cluster, http://<name>.<namespace>.svc:4317",
            )
        if self.protocol == "grpc" and parts.path not in ("", "/"):
            raise WrongValue(
                f"endpoint has the path {parts.path}, and gRPC has none", "leave it out, or write protocol: http"
            )
        return self


Tracing = Annotated[NoTracing | CollectorTracing, Field(discriminator="kind"), kind_defaults_to("collector")]
