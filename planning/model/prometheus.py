"""The Prometheus of a stack, ours or somebody else's. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ExistingPrometheusPlan:
    """A Prometheus that is there. `path`: prefix of its addresses, empty or /...; `pod_labels` let its pods through
    network policies. `monitor_labels`, `rule_labels`: what it selects by. `dashboard_labels` None: no dashboards."""

    namespace: str
    service: str
    port: int
    path: str
    pod_labels: dict[str, str]
    monitor_labels: dict[str, str] = field(default_factory=dict)
    rule_labels: dict[str, str] = field(default_factory=dict)
    dashboard_labels: dict[str, str] | None = None
    dashboard_namespace: str | None = None

    @property
    def url(self) -> str:
        """Inside the cluster, without port and path."""
        return f"http://{self.service}.{self.namespace}.svc"

    @property
    def address(self) -> str:
        """`url` with port and path: where queries go."""
        return f"{self.url}:{self.port}{self.path}"
