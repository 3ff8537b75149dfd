"""Service, disruption budget, service account and token Secret of a model."""

from __future__ import annotations

from components.manifest import Manifest
from components.serving.manifests.names import address_of, download_labels, every_pod, metadata
from planning.model import ServedModel, TokenPlan


def service(model: ServedModel) -> Manifest:
    """The address of the model inside the cluster: its servers, or the router or proxy in front of them."""
    selector, target = address_of(model)
    port = {"name": "http", "port": model.port, "targetPort": target, "protocol": "TCP", "appProtocol": "http"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(model),
        "spec": {"type": "ClusterIP", "selector": selector, "ports": [port]},
    }


def pod_disruption_budget(model: ServedModel) -> Manifest:
    """How many pods a node drain may take at once. One that is not ready may always be evicted."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(model),
        "spec": {
            "maxUnavailable": model.evictable_pods,
            "selector": {"matchLabels": every_pod(model)},
            # Otherwise one pod that never becomes ready blocks every drain of its node.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def service_account(model: ServedModel) -> Manifest:
    """An identity of the model's own, without a token: no pod of ours talks to the API server."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(model),
        "automountServiceAccountToken": False,
    }


def download_account(model: ServedModel) -> Manifest:
    """The download Job's own, where a bucket is read with it: the servers' has no rights anywhere."""
    name = f"{model.name}-download"
    described = {"name": name, "namespace": model.namespace, "labels": download_labels(model)}
    return {**service_account(model), "metadata": described}


def token_secret(model: ServedModel, token: TokenPlan) -> Manifest:
    """The Secret of the Hugging Face token, without its data: the component puts the token in."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(model, token.secret_name),
        "type": "Opaque",
    }
