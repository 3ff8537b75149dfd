"""The Prometheus of a stack, its own or an existing one. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field

PROMETHEUS_RELEASE = "kube-prometheus-stack"
"""Of the stack's own: the release's name, and by `fullnameOverride` how its objects' names begin."""
PROMETHEUS_SERVICE = f"{PROMETHEUS_RELEASE}-prometheus"
PROMETHEUS_PORT = 9090
"""Of that Service and its pods, as the chart has it (values.yaml: prometheus.service.port, read 2026-11-27)."""


@dataclass(frozen=True)
class ExistingPrometheusPlan:
    """A Prometheus that the cluster already has."""

    namespace: str
    service: str
    port: int
    path: str
    """Prefix of its addresses, empty or /..."""
    pod_labels: dict[str, str]
    """By which network policies let its pods through."""
    monitor_labels: dict[str, str] = field(default_factory=dict)
    """What it selects monitors by."""
    rule_labels: dict[str, str] = field(default_factory=dict)
    """What it selects rules by."""
    dashboard_labels: dict[str, str] | None = None
    """None: no dashboards."""
    dashboard_namespace: str | None = None

    @property
    def url(self) -> str:
        """Inside the cluster, without port and path."""
        return f"http://{self.service}.{self.namespace}.svc"

    @property
    def address(self) -> str:
        """`url` with port and path: where queries go."""
        return f"{self.url}:{self.port}{self.path}"
