"""What may talk to whom: openings on top of the namespace's default deny, derived from the plan.

Intentionally absent: probes (a pod's own node is always let in), workers of one pod. The vpc-cni add-on enforces
policies only with `enableNetworkPolicy: "true"`.
"""

from __future__ import annotations

from typing import Any

from components.cluster.network_policies import (
    HTTPS,
    blocks,
    name_resolution,
    pods_of,
    prometheus_pods,
    tcp,
    to_collector,
    to_pod_identity,
    to_the_internet,
)
from components.manifest import Manifest
from components.serving.manifests.names import (
    download_labels,
    download_selector,
    downloads_in_pod,
    every_pod,
    metadata,
    router_release,
    router_selector,
    server_selector,
)
from planning.model import BucketPlan, RouterPlan, ServedModel


def server_policy(model: ServedModel) -> Manifest:
    """Requests from the model's namespace (its router's, too) and its clients'; scrapes from Prometheus.

    Out: spans, where they are asked for, and what a pod needs that downloads or streams its weights itself; else
    nothing. A policy knows pods, not containers, so the server beside the finished init container keeps that opening;
    with `cache.kind: persistentVolume` it has none.
    """
    sources = _clients(model)
    if model.monitoring_namespace:
        sources.append(prometheus_pods(model.monitoring_namespace, model.prometheus))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(model),
        "spec": {
            "podSelector": {"matchLabels": every_pod(model)},
            "policyTypes": ["Ingress", "Egress"],
            # /metrics is on the port of the API: vLLM has one port for both.
            "ingress": [{"from": sources, "ports": tcp(model.port)}, *_inside("from", model)],
            "egress": _leaves(model),
        },
    }


def _leaves(model: ServedModel) -> list[dict[str, Any]]:
    """Out of a server's pod: each opening once. Workers look their leader up by name."""
    egress = _out(model) if downloads_in_pod(model) or model.cache.kind == "stream" else []
    group = [name_resolution(), *_inside("to", model)] if model.group else []
    for opening in (*group, *(to_collector(model.tracing) if model.tracing else [])):
        if opening not in egress:
            egress.append(opening)
    return egress


def _inside(direction: str, model: ServedModel) -> list[dict[str, Any]]:
    """Between the pods of groups: NCCL and vLLM's queues choose their ports. Groups of one model are not kept apart."""
    if model.group is None:
        return []
    first, last = model.group.ports
    ports = [{"protocol": "TCP", "port": first, "endPort": last}]
    return [{direction: [{"podSelector": {"matchLabels": every_pod(model)}}], "ports": ports}]


def router_policy(model: ServedModel, router: RouterPlan) -> Manifest:
    """The router: requests from clients; to the servers, and to the API server, which tells it where they are."""
    port = tcp(model.port)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(model, router_release(model)),
        "spec": {
            "podSelector": {"matchLabels": router_selector(model)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": _clients(model), "ports": port}],
            "egress": [
                {"to": [{"podSelector": {"matchLabels": server_selector(model)}}], "ports": port},
                name_resolution(),
                {"to": blocks(router.api_server_ranges), "ports": tcp(HTTPS)},
            ],
        },
    }


def _clients(model: ServedModel) -> list[dict[str, Any]]:
    namespaces = dict.fromkeys((model.namespace, *model.client_namespaces))
    return [pods_of(namespace) for namespace in namespaces]


def download_policy(model: ServedModel) -> Manifest:
    """The download Job's pod: name resolution and HTTPS out, nothing in."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{model.name}-download",
            "namespace": model.namespace,
            "labels": download_labels(model),
        },
        "spec": {
            "podSelector": {"matchLabels": download_selector(model)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": _out(model),
        },
    }


def _out(model: ServedModel) -> list[dict[str, Any]]:
    """Names, and the Hub or S3, whose addresses are public through its gateway endpoint, too; where weights come from a
    mirror or through a proxy, its ports, public and as listed."""
    way = model.way_in
    public = to_the_internet()
    rules = [name_resolution(), {**public, "ports": tcp(*sorted({HTTPS, *way.ports}))}]
    if way.cidrs:
        rules.append({"to": [{"ipBlock": {"cidr": cidr}} for cidr in way.cidrs], "ports": tcp(*way.ports)})
    return [*rules, to_pod_identity()] if isinstance(model.source, BucketPlan) else rules
