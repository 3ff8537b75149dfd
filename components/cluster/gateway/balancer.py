"""The gateway's network load balancer: what its Service tells who makes it. Pure.

EKS' cloud provider makes it (its annotations: aws-load-balancer-type: nlb), which AWS only keeps from breaking; where
the stack installs AWS Load Balancer Controller, that one does, by `loadBalancerClass`, which is read before annotations
(aws-load-balancer-controller v3.5.0, docs/guide/service/annotations.md).
"""

from __future__ import annotations

from typing import Any

from planning.model import BalancerPlan, GatewayPlan

_SERVICE = "service.beta.kubernetes.io/"
_BALANCER = f"{_SERVICE}aws-load-balancer-"
CONTROLLERS_CLASS = "service.k8s.aws/nlb"
# Of Envoy's pods (envoyproxy/gateway, internal/xds/bootstrap, EnvoyReadinessPort; 2026-11-28); 503 while one drains.
READY, READY_PATH = 19003, "/ready"


def balancer_annotations(plan: GatewayPlan) -> dict[str, str]:
    """Of the Gateway, which Envoy Gateway writes at its Service: where it stands, and who may connect."""
    common = {
        f"{_BALANCER}scheme": "internet-facing" if plan.public else "internal",
        f"{_SERVICE}load-balancer-source-ranges": ",".join(plan.source_ranges),
    }
    if plan.tags:
        common[f"{_BALANCER}additional-resource-tags"] = ",".join(f"{k}={v}" for k, v in sorted(plan.tags.items()))
    return {**common, **(_of_controller(plan.balancer) if plan.balancer else _of_cloud_provider(plan))}


def _of_cloud_provider(plan: GatewayPlan) -> dict[str, str]:
    older = {} if plan.public else {f"{_BALANCER}internal": "true"}  # the word that it reads for the scheme
    return {f"{_BALANCER}type": "nlb", **older}


def _of_controller(plan: BalancerPlan) -> dict[str, str]:
    """To pods and not by way of nodes; the client's address stays, by which policies and limits go."""
    return {
        f"{_BALANCER}nlb-target-type": "ip",
        f"{_BALANCER}target-group-attributes": "preserve_client_ip.enabled=true,"
        f"deregistration_delay.timeout_seconds={plan.leaving_seconds}",
        # A proxy that drains is not asked any more: traffic's own port would take connections until it ends.
        f"{_BALANCER}healthcheck-protocol": "http",
        f"{_BALANCER}healthcheck-port": str(READY),
        f"{_BALANCER}healthcheck-path": READY_PATH,
    }


def service(plan: GatewayPlan) -> dict[str, Any]:
    """Of the EnvoyProxy: whose the Service's load balancer is; nothing where EKS makes it."""
    return {"envoyService": {"loadBalancerClass": CONTROLLERS_CLASS}} if plan.balancer else {}
