"""Names, labels and paths that several manifests of one model share."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.kubeai import kubeai_selector
from components.manifest import labels, selector
from components.pods import SERVER
from planning.model import WEIGHTS, BucketPlan, ServedModel

APP = "vllm"
DOWNLOAD = "download"
# The component of those pods of a group that answer no requests.
WORKER = "model-worker"

# Weights: written by the downloader only, read-only for servers.
CACHE_PATH = WEIGHTS
# The Hugging Face token, for the downloader only.
TOKEN_PATH = "/var/run/secrets/huggingface"
TOKEN_FILE = "token"


def server_labels(model: ServedModel) -> dict[str, str]:
    """Labels of all objects of the server."""
    return labels(APP, model.name, SERVER)


def server_selector(model: ServedModel) -> dict[str, str]:
    """What selects the model's server pods, and no other pod; the labels are its backend's (facts/backends.csv)."""
    return {key: value.format(name=model.name) for key, value in model.pod_selector.items()}


def worker_labels(model: ServedModel) -> dict[str, str]:
    """Labels of a group's workers: another component, so that no Service and no monitor takes them for servers."""
    return labels(APP, model.name, WORKER)


def group_selector(model: ServedModel) -> dict[str, str]:
    """What selects all pods of all groups of a model, and no other; nothing of a model without groups."""
    return {"leaderworkerset.sigs.k8s.io/name": model.group.name} if model.group else {}


def every_pod(model: ServedModel) -> dict[str, str]:
    """What selects the pods that a model serves with: its servers, or all pods of its groups."""
    return group_selector(model) or server_selector(model)


def router_release(model: ServedModel) -> str:
    """The Helm release of a router in front of the model."""
    return f"{model.name}-router"


def router_selector(model: ServedModel) -> dict[str, str]:
    """What selects its pods (chart vllm-stack, chart.routerStandardLabels)."""
    return {"app.kubernetes.io/name": "router", "app.kubernetes.io/instance": router_release(model)}


def address_of(model: ServedModel) -> tuple[dict[str, str], str]:
    """The pods behind the model's address, and their port: its servers, or what stands in front of them."""
    if model.router is not None:
        return router_selector(model), "router-port"
    return (kubeai_selector() if model.kubeai is not None else server_selector(model)), "http"


def download_labels(model: ServedModel) -> dict[str, str]:
    """Labels of the download Job and its pod."""
    return labels(APP, model.name, DOWNLOAD)


def download_selector(model: ServedModel) -> dict[str, str]:
    """What selects the model's download pod."""
    return selector(APP, model.name, DOWNLOAD)


def cache_claim_name(model: ServedModel) -> str:
    """The volume claim of a model whose weights are on a volume."""
    return f"{model.name}-cache"


def downloads_in_pod(model: ServedModel) -> bool:
    """Whether each server pod downloads for itself (init container)."""
    return model.cache.kind == "emptyDir"


def has_download_job(model: ServedModel) -> bool:
    """Whether one Job downloads for all pods; neither: nothing is downloaded."""
    return model.cache.kind == "persistentVolume"


def reads_shared(model: ServedModel) -> bool:
    """Whether its weights are on the file system of the stack, where Jobs of the stack bring them."""
    return model.cache.kind == "efs"


def bucket_account(model: ServedModel) -> str | None:
    """The service account whose pods read the source's bucket: where a Job downloads its own, and no server's."""
    if not isinstance(model.source, BucketPlan) or reads_shared(model):
        return None
    return f"{model.name}-download" if has_download_job(model) else model.name


def monitor_labels(model: ServedModel) -> dict[str, str]:
    """Labels of its PodMonitor: those that an existing Prometheus selects by come on top."""
    return server_labels(model) | (model.prometheus.monitor_labels if model.prometheus else {})


def rule_labels(model: ServedModel) -> dict[str, str]:
    """Labels of its PrometheusRules: as with monitors."""
    return server_labels(model) | (model.prometheus.rule_labels if model.prometheus else {})


def metadata(model: ServedModel, name: str | None = None) -> dict[str, Any]:
    """Of an object of the model's server; `name`: another than the model's own."""
    return {"name": name or model.name, "namespace": model.namespace, "labels": server_labels(model)}
