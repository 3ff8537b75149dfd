"""Where spans go. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

OTLP_PORT = 4317
COLLECTOR = "otel-collector"
"""The collector's Service."""


@dataclass(frozen=True)
class TracingPlan:
    """The collector, and what stands behind it."""

    namespace: str
    model_namespaces: tuple[str, ...]
    """Whose servers send to it."""
    sampling_percent: float
    export_url: str
    export_host: str
    export_port: int
    export_namespace: str | None
    """Of a Service of the cluster; None: an address outside."""
    protocol: str
    """grpc or http."""
    encrypted: bool
    headers_secret: str | None

    @property
    def endpoint(self) -> str:
        """Where servers send spans, by gRPC."""
        return f"http://{COLLECTOR}.{self.namespace}.svc:{OTLP_PORT}"
