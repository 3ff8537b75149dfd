"""What a model's Ray cluster needs beside itself: the head's account, monitor and network, and the workers' network."""

from __future__ import annotations

from typing import Any

from components.cluster.network_policies import (
    HTTPS,
    LINK_LOCAL,
    blocks,
    name_resolution,
    pods_of,
    prometheus_pods,
    tcp,
)
from components.manifest import Manifest, labels, selector
from components.serving.manifests.names import APP, metadata, monitor_labels, server_selector
from components.serving.manifests.pod_monitor import endpoint
from planning.model import RayPlan, ServedModel

HEAD = "ray-head"
# Of the head: dashboard, which KubeRay asks for the applications; of every Ray pod: metrics; of the head's others, too.
DASHBOARD, METRICS = 8265, 8080
AUTOSCALER_METRICS, DASHBOARD_METRICS = 44217, 44227


def ray_plan(model: ServedModel) -> RayPlan:
    """The head's."""
    if model.ray is None:
        raise ValueError(f"{model.name}: backend ray needs a Ray cluster in the plan")
    return model.ray


def head_name(model: ServedModel) -> str:
    """Account, policy and monitor of the head."""
    return f"{model.name}-head"


def head_labels(model: ServedModel) -> dict[str, str]:
    """Labels of the head and what is its own."""
    return labels(APP, model.name, HEAD)


def beside(model: ServedModel) -> dict[str, Manifest]:
    """What the cluster needs beside itself, by a name."""
    manifests = {
        "head-account": _head_account(model),
        "worker-policy": _worker_policy(model),
        "head-policy": _head_policy(model, ray_plan(model)),
    }
    return manifests | ({"head-monitor": _head_monitor(model)} if model.monitoring_namespace else {})


def _of_head(model: ServedModel, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": model.namespace, "labels": head_labels(model)}


def _head_account(model: ServedModel) -> Manifest:
    """KubeRay gives it a Role: pods and the RayCluster of its namespace."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _of_head(model, head_name(model)),
        "automountServiceAccountToken": False,
    }


def _cluster_pods(model: ServedModel) -> list[dict[str, Any]]:
    head = selector(APP, model.name, HEAD)
    return [{"podSelector": {"matchLabels": selector}} for selector in (server_selector(model), head)]


def _policy(metadata: dict[str, Any], pods: dict[str, str], into: list[Any], out: list[Any]) -> Manifest:
    spec = {
        "podSelector": {"matchLabels": pods},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": into,
        "egress": out,
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _scraped(model: ServedModel, *ports: int) -> list[dict[str, Any]]:
    if not model.monitoring_namespace:
        return []
    return [{"from": [prometheus_pods(model.monitoring_namespace, model.prometheus)], "ports": tcp(*ports)}]


def _worker_policy(model: ServedModel) -> Manifest:
    """On top of every server's: Ray's processes talk to each other on ports that they choose."""
    within = _cluster_pods(model)
    return _policy(
        metadata(model, f"{model.name}-workers"),
        server_selector(model),
        [{"from": within}, *_scraped(model, METRICS)],
        [{"to": within}, name_resolution()],
    )


def _head_policy(model: ServedModel, ray: RayPlan) -> Manifest:
    """The dashboard runs arbitrary code in the cluster: only KubeRay reaches it."""
    within = _cluster_pods(model)
    asked = {"from": [pods_of(ray.operator_namespace)], "ports": tcp(DASHBOARD, model.port)}
    out: list[dict[str, Any]] = [
        {"to": within},
        name_resolution(),
        {"to": blocks(ray.api_server_ranges), "ports": tcp(HTTPS)},
    ]
    if ray.redis is not None:
        port = int(ray.redis.rpartition(":")[2])
        out.append({"to": blocks(["0.0.0.0/0"], [LINK_LOCAL]), "ports": tcp(port)})
    return _policy(
        _of_head(model, head_name(model)),
        selector(APP, model.name, HEAD),
        [{"from": within}, asked, *_scraped(model, METRICS, AUTOSCALER_METRICS, DASHBOARD_METRICS)],
        out,
    )


def _head_monitor(model: ServedModel) -> Manifest:
    """Ray's own series of the head; the workers' come with the engines'."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {**_of_head(model, head_name(model)), "labels": monitor_labels(model) | head_labels(model)},
        "spec": {
            "selector": {"matchLabels": selector(APP, model.name, HEAD)},
            "podMetricsEndpoints": [endpoint("metrics", model.scrape_interval_seconds)],
        },
    }
