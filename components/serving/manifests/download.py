"""How weights come into the cache: one container, used as init container or as a Job's only container.

It runs in the vLLM image, which the node pulls anyway and which brings huggingface_hub and boto3. fetch_weights.py goes
on where an interrupted download stopped, and does nothing when everything is there.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.images import pull_policy, pull_secrets
from components.manifest import Manifest
from components.pods import quantities
from components.security import non_root_pod, restricted_container
from components.serving.manifests.environment import download_environment
from components.serving.manifests.names import bucket_account, download_labels
from components.serving.manifests.volumes import download_mounts, download_volumes
from components.tolerations import tolerations
from planning.model import BUCKET_CACHE, BucketPlan, ServedModel

# The program is handed over as text: the image has Python and huggingface_hub, and nothing of ours.
PROGRAM = (Path(__file__).parents[1] / "fetch_weights.py").read_text(encoding="utf-8")
# Of the cache's size, what files may take: the file system and the hub's bookkeeping need the rest.
ROOM_SHARE = 0.98


def request(model: ServedModel) -> dict[str, Any]:
    """What the program is asked for."""
    source = model.source
    buckets = [source] if isinstance(source, BucketPlan) and not source.streamed else []
    return {
        "repositories": [asdict(repository) for repository in model.repositories],
        **({"buckets": [_bucket(bucket) for bucket in buckets]} if buckets else {}),
        "room_bytes": int(model.cache.size_gib * 2**30 * ROOM_SHARE),
    }


def _bucket(source: BucketPlan) -> dict[str, Any]:
    names = ("bucket", "prefix", "weights", "index")
    folder = f"{BUCKET_CACHE}/{source.bucket}/{source.prefix}"
    return {name: getattr(source, name) for name in names} | {"folder": folder}


def download_container(model: ServedModel) -> dict[str, Any]:
    """The container that fills the cache with the pinned revision."""
    return {
        "name": "download",
        "image": model.image,
        "imagePullPolicy": pull_policy(model.image),
        "command": ["python3", "-c", PROGRAM],
        "args": [json.dumps(request(model))],
        "env": download_environment(model),
        # As many CPUs as the server asks for: the pod, or the pool before its first server, has them anyway.
        "resources": quantities(model.download_resources, cpu_limit=model.resources.cpu_request),
        "volumeMounts": download_mounts(model),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(model.user_id, model.group_id),
    }


def download_job(model: ServedModel, account: str | None = None) -> Manifest:
    """The one Job that fills a volume; `account`: of its own, another than the model's.

    It runs on the model's pool: the volume may exist in one zone only, and the image is needed there next.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{model.name}-download",
            "namespace": model.namespace,
            "labels": download_labels(model),
            # A failed Job stays failed: without this a fixed token would never be tried.
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": model.download_timeout_seconds,
            # No ttlSecondsAfterFinished: a Job that vanished is created, and so run, again by the next `up`.
            "template": {
                "metadata": {"labels": download_labels(model)},
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": account or bucket_account(model) or model.name,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    **pull_secrets(model.pull_secrets),
                    "nodeSelector": model.node_selector,
                    "tolerations": tolerations(model.taints),
                    "securityContext": non_root_pod(model.user_id, model.group_id),
                    "containers": [download_container(model)],
                    "volumes": download_volumes(model),
                },
            },
        },
    }
