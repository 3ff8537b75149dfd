"""How long the proxies behind an Ingress take to leave."""

from __future__ import annotations

from planning.serving.drain import EKS_EVICTION_SECONDS
from settings.gateway import Gateway, IngressGateway

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
