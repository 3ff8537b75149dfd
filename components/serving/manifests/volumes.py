"""Volumes of the server and download pods, all of kinds that Pod Security `restricted` allows."""

from __future__ import annotations

from typing import Any

from components.images import pull_policy
from components.manifest import Manifest
from components.pods import SCRATCH_PATH, scratch_volume
from components.serving.manifests.names import (
    CACHE_PATH,
    TOKEN_FILE,
    TOKEN_PATH,
    cache_claim_name,
    downloads_in_pod,
    has_download_job,
    reads_shared,
    server_labels,
)
from planning.model import ClaimPlan, ImagePlan, ServedModel


def cache_volumes(model: ServedModel) -> list[dict[str, Any]]:
    """Where the weights are; none where the server streams them."""
    source = model.source
    if isinstance(source, ClaimPlan):
        # Read-only for the whole pod, so that a claim of kind ReadOnlyMany can be mounted.
        return [{"name": "cache", "persistentVolumeClaim": {"claimName": source.claim, "readOnly": True}}]
    if isinstance(source, ImagePlan):
        return [
            {"name": "cache", "image": {"reference": source.reference, "pullPolicy": pull_policy(source.reference)}}
        ]
    if downloads_in_pod(model):
        return [{"name": "cache", "emptyDir": {"sizeLimit": f"{model.cache.size_gib}Gi"}}]
    if has_download_job(model):
        return [{"name": "cache", "persistentVolumeClaim": {"claimName": cache_claim_name(model)}}]
    if reads_shared(model):
        # Read-only for the whole pod: no container of a server writes what all the others read.
        return [{"name": "cache", "persistentVolumeClaim": {"claimName": cache_claim_name(model), "readOnly": True}}]
    return []


def shared_memory_volumes(model: ServedModel) -> list[dict[str, Any]]:
    """/dev/shm: tensor parallel workers talk through it, the runtime's default is 64 MiB. It counts as memory.

    None where the device plugin mounts one (MPS).
    """
    size = model.resources.shared_memory
    return [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}] if size else []


def server_mounts(model: ServedModel) -> list[dict[str, Any]]:
    """Weights cannot be changed by the process that answers requests."""
    mounts: list[dict[str, Any]] = [
        *({"name": "cache", "mountPath": CACHE_PATH, "readOnly": True} for _ in cache_volumes(model)),
        {"name": "scratch", "mountPath": SCRATCH_PATH},
    ]
    shared = [{"name": volume["name"], "mountPath": "/dev/shm"} for volume in shared_memory_volumes(model)]
    return [*mounts, *shared]


def download_volumes(model: ServedModel) -> list[dict[str, Any]]:
    """What the downloader needs of a pod: the cache, a place to write, and the token as a file.

    The token's volume is the pod's, but no other container mounts it. The group reads it: the pod's (fsGroup).
    """
    volumes = [*cache_volumes(model), scratch_volume()]
    if model.token:
        items = [{"key": model.token.secret_key, "path": TOKEN_FILE}]
        secret = {"secretName": model.token.secret_name, "items": items, "defaultMode": 0o440}
        volumes.append({"name": "hf-token", "secret": secret})
    return volumes


def download_mounts(model: ServedModel) -> list[dict[str, Any]]:
    """The downloader writes the cache."""
    mounts: list[dict[str, Any]] = [
        {"name": "cache", "mountPath": CACHE_PATH},
        {"name": "scratch", "mountPath": SCRATCH_PATH},
    ]
    if model.token:
        mounts.append({"name": "hf-token", "mountPath": TOKEN_PATH, "readOnly": True})
    return mounts


def cache_claim(model: ServedModel) -> Manifest:
    """The volume of a model whose weights are downloaded once for all its pods."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": cache_claim_name(model),
            "namespace": model.namespace,
            "labels": server_labels(model),
        },
        "spec": {
            "accessModes": [model.cache.access_mode],
            "storageClassName": model.cache.storage_class,
            "resources": {"requests": {"storage": f"{model.cache.size_gib}Gi"}},
        },
    }
