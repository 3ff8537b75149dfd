"""Stands for who makes AWS' load balancers: a Service or an Ingress is told a host name, without one behind.

Who has such an object learns from its status that it can be reached (Envoy Gateway writes it into the Gateway's); what
answers here is a local port. Two make them, as on EKS: the cloud provider inside it, for Services that name no class,
and AWS Load Balancer Controller while a pod of it is Ready, for its classes. The latter holds what it serves by a
finalizer until the load balancer has gone: without it nothing lets go (aws-load-balancer-controller v3.5.0,
controllers/ingress and controllers/service).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local.control_plane.cluster import is_ready

SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INGRESS_SCHEME = "alb.ingress.kubernetes.io/scheme"
CONTROLLER = "aws-load-balancer-controller"
INGRESS_CONTROLLER, INGRESS_FINALIZER = "ingress.k8s.aws/alb", "ingress.k8s.aws/resources"
SERVICE_CLASS, SERVICE_FINALIZER = "service.k8s.aws/nlb", "service.k8s.aws/resources"


def host_name(item: Any, scheme: str = SCHEME) -> str:
    """As those of network load balancers look; of its own for each object, and always the same one."""
    digest = hashlib.sha256(str(item.metadata.uid).encode()).hexdigest()
    inside = "internal-" if (item.metadata.annotations or {}).get(scheme) == "internal" else ""
    return f"{inside}k8s-{item.metadata.namespace[:8]}-{digest[:16]}.elb.us-east-1.amazonaws.com"


def reconcile_balancers(core: Any, networking: Any, pods: Iterable[Any], say: Callable[[str], None]) -> None:
    """One round: a host name for each object that waits for one; what leaves is let go by who holds it."""
    there = any(_is_controller(pod) for pod in pods)
    for service in core.list_service_for_all_namespaces(field_selector="spec.type=LoadBalancer").items:
        of_class = service.spec.load_balancer_class
        if of_class is None or (of_class == SERVICE_CLASS and there):
            held = SERVICE_FINALIZER if of_class else None
            _serve(service, held, core.patch_namespaced_service, core.patch_namespaced_service_status, SCHEME, say)
    for ingress in _of_controller(networking) if there else ():
        patch, status = networking.patch_namespaced_ingress, networking.patch_namespaced_ingress_status
        _serve(ingress, INGRESS_FINALIZER, patch, status, INGRESS_SCHEME, say)


def _of_controller(networking: Any) -> Iterator[Any]:
    classes = networking.list_ingress_class().items
    names = {item.metadata.name for item in classes if item.spec.controller == INGRESS_CONTROLLER}
    for ingress in networking.list_ingress_for_all_namespaces().items:
        if ingress.spec.ingress_class_name in names:
            yield ingress


def _is_controller(pod: Any) -> bool:
    """Ready, and of the release's Deployment."""
    return (pod.metadata.labels or {}).get("app.kubernetes.io/name") == CONTROLLER and is_ready(pod)


def _serve(
    item: Any,
    finalizer: str | None,
    patch: Callable[..., Any],
    patch_status: Callable[..., Any],
    scheme: str,
    say: Callable[[str], None],
) -> None:
    meta = item.metadata
    held = list(meta.finalizers or [])
    if meta.deletion_timestamp:
        if finalizer in held:
            patch(meta.name, meta.namespace, _held_by([each for each in held if each != finalizer]))
            say(f"(simulated) load balancer of {meta.namespace}/{meta.name} has gone")
        return
    if finalizer and finalizer not in held:
        patch(meta.name, meta.namespace, _held_by([*held, finalizer]))
    if item.status.load_balancer and item.status.load_balancer.ingress:
        return
    name = host_name(item, scheme)
    patch_status(meta.name, meta.namespace, {"status": {"loadBalancer": {"ingress": [{"hostname": name}]}}})
    say(f"(simulated) load balancer {name} of {meta.namespace}/{meta.name}")


def _held_by(finalizers: list[str]) -> list[dict[str, Any]]:
    """A JSON patch: a merge of two lists takes none away."""
    return [{"op": "add", "path": "/metadata/finalizers", "value": finalizers}]
