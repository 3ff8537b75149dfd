"""Stands for the cloud's controller of load balancers: a Service of that type is told a host name, without one behind.

Who has such a Service learns from its status that it can be reached (Envoy Gateway writes it into the Gateway's); what
answers here is a local port.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"


def host_name(service: Any) -> str:
    """As those of network load balancers look; of its own for each Service, and always the same one."""
    digest = hashlib.sha256(str(service.metadata.uid).encode()).hexdigest()
    inside = "internal-" if (service.metadata.annotations or {}).get(SCHEME) == "internal" else ""
    return f"{inside}k8s-{service.metadata.namespace[:8]}-{digest[:16]}.elb.us-east-1.amazonaws.com"


def reconcile_balancers(core: Any, say: Callable[[str], None]) -> None:
    """One round: a host name for each Service that waits for one."""
    for service in core.list_service_for_all_namespaces(field_selector="spec.type=LoadBalancer").items:
        there = (service.status.load_balancer.ingress or []) if service.status.load_balancer else []
        if there or service.metadata.deletion_timestamp:
            continue
        name = host_name(service)
        body = {"status": {"loadBalancer": {"ingress": [{"hostname": name}]}}}
        core.patch_namespaced_service_status(service.metadata.name, service.metadata.namespace, body)
        say(f"(simulated) load balancer {name} of {service.metadata.namespace}/{service.metadata.name}")
