"""How the proxies behind an Ingress leave, and what has to be there before the Ingress is."""

from __future__ import annotations

from planning.cluster.ingress_table import ControllerRow, annotation_rows
from planning.findings import Findings
from planning.serving.drain import EKS_EVICTION_SECONDS
from settings.cluster import CreateCluster
from settings.gateway import Gateway, IngressGateway
from settings.stack import StackSettings

# After the answers that it waits for, Envoy ends at once.
ENDING_SECONDS = 10
# A pod that has not left after EKS' patience fails the update of its nodes; some of it is left for what else there is.
LONGEST_LEAVING_SECONDS = EKS_EVICTION_SECONDS - ENDING_SECONDS - 20


def leaving_seconds(gateway: IngressGateway) -> int:
    """How long a proxy goes on after it was told to end."""
    return min(gateway.request_timeout_seconds, LONGEST_LEAVING_SECONDS)


def proxy_grace_seconds(gateway: Gateway) -> int:
    """Until a proxy that was told to end is killed; 0 where there are none."""
    return leaving_seconds(gateway) + ENDING_SECONDS if isinstance(gateway, IngressGateway) else 0


def check_leaving(gateway: IngressGateway, findings: Findings) -> None:
    """Answers that are longer than a proxy may stay."""
    if gateway.request_timeout_seconds > LONGEST_LEAVING_SECONDS:
        findings.warning(
            "gateway.requestTimeoutSeconds",
            "ingress-leaving",
            f"{gateway.request_timeout_seconds} s, and a proxy that leaves goes on for {LONGEST_LEAVING_SECONDS} s at "
            f"most, for EKS waits {EKS_EVICTION_SECONDS} s for a pod: longer answers are cut when a node is replaced",
            f"write {LONGEST_LEAVING_SECONDS} or less",
        )


def check_controller_first(row: ControllerRow | None, settings: StackSettings, findings: Findings) -> None:
    """A cluster that the same `up` makes has no controller: its kinds are unknown there, and an Ingress waits."""
    if row and isinstance(settings.cluster, CreateCluster) and (row.says or annotation_rows(row.name, "object")):
        findings.warning(
            "gateway.ingressClass",
            "ingress-first",
            f"a cluster that this stack makes has {row.title} only when someone has installed it, and `up` cannot end "
            "before",
            "bring the stack up without gateway first and install the controller, then add gateway",
        )
