"""What may talk to whom: openings on top of the namespace's default deny, derived from the plan.

Not here, because nobody can or need open it: probes (a pod's own node is always let in), tensor parallel workers
(one pod). The vpc-cni add-on enforces policies only with `enableNetworkPolicy: "true"`.
"""

from __future__ import annotations

from typing import Any

from components.manifest import Manifest
from components.serving.manifests.names import (
    download_labels,
    download_selector,
    downloads_in_pod,
    server_labels,
    server_selector,
)
from planning.model import ServedModel

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # set by the API server, nobody can claim another's

# The Hub and its CDN are public addresses; what is inside the VPC, the cluster and the node stays out of reach.
NOT_PUBLIC = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")


def server_policy(model: ServedModel) -> Manifest:
    """Requests from the model's namespace and its clients', scrapes from Prometheus.

    Out: nothing, unless the pod downloads its weights itself. A policy knows pods, not containers, so the server
    beside the finished init container keeps that opening; with `cache.kind: persistentVolume` it has none.
    """
    namespaces = dict.fromkeys((model.namespace, *model.client_namespaces))
    sources: list[dict[str, Any]] = [
        {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}} for namespace in namespaces
    ]
    if model.monitoring_namespace:
        sources.append(
            {
                "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: model.monitoring_namespace}},
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
            }
        )
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": model.name, "namespace": model.namespace, "labels": server_labels(model)},
        "spec": {
            "podSelector": {"matchLabels": server_selector(model)},
            "policyTypes": ["Ingress", "Egress"],
            # /metrics is on the port of the API: vLLM has one port for both.
            "ingress": [{"from": sources, "ports": [{"protocol": "TCP", "port": model.port}]}],
            "egress": _out_to_the_hub() if downloads_in_pod(model) else [],
        },
    }


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
            "egress": _out_to_the_hub(),
        },
    }


def _out_to_the_hub() -> list[dict[str, Any]]:
    names = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    public = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NOT_PUBLIC)}}
    return [
        {"to": [names], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]},
        {"to": [public], "ports": [{"protocol": "TCP", "port": 443}]},
    ]
