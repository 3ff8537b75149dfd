"""How weights come into the cache: one container, used as init container or as a Job's only container.

It runs in the vLLM image, which the node pulls anyway and which brings huggingface_hub. `snapshot_download` goes on
where an interrupted one stopped, and does nothing when the revision is complete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.manifest import Manifest
from components.security import non_root_pod, restricted_container
from components.serving.manifests.environment import download_environment
from components.serving.manifests.images import pull_policy
from components.serving.manifests.names import download_labels
from components.serving.manifests.resources import quantities
from components.serving.manifests.volumes import download_mounts, download_volumes
from components.tolerations import tolerations
from planning.model import ServedModel

# The Python call and not the `hf` command: its arguments are the same in every version of huggingface_hub.
DOWNLOAD = (
    "import json, sys; from huggingface_hub import snapshot_download; "
    "print(snapshot_download(**json.loads(sys.argv[1])))"
)

# Other formats of the same weights: some repositories hold two or three, and a pod whose cache outgrows its size is
# evicted.
OTHER_FORMATS = ("original/*", "*.pth", "*.gguf", "*.onnx*", "*.h5", "*.msgpack", "*.tflite")
# By vLLM's --load-format: what it will not read. Any other format reads safetensors in Hugging Face's layout, for
# Mistral's repositories too: vLLM 0.33.0 takes their own layout only when it finds `consolidated*` (config.py).
UNREAD: Mapping[str, tuple[str, ...]] = {
    "mistral": ("model*.safetensors", "pytorch_model*.bin"),
    "pt": ("*.safetensors",),
    "npcache": ("*.safetensors",),
}
UNREAD_BY_DEFAULT = ("consolidated*", "pytorch_model*.bin")


def ignored_files(args: tuple[str, ...]) -> list[str]:
    """Patterns of files the server will not read, by its arguments."""
    formats = [arg.partition("=")[2] for arg in args if arg.startswith("--load-format=")]
    return [*OTHER_FORMATS, *(UNREAD.get(formats[-1], UNREAD_BY_DEFAULT) if formats else UNREAD_BY_DEFAULT)]


def download_container(model: ServedModel) -> dict[str, Any]:
    """The container that fills the cache with the pinned revision."""
    what = {"repo_id": model.model_id, "revision": model.revision, "ignore_patterns": ignored_files(model.args)}
    return {
        "name": "download",
        "image": model.image,
        "imagePullPolicy": pull_policy(model.image),
        "command": ["python3", "-c", DOWNLOAD],
        "args": [json.dumps(what)],
        "env": download_environment(model),
        # As many CPUs as the server asks for: the pod, or the pool before its first server, has them anyway.
        "resources": quantities(model.download_resources, cpu_limit=model.resources.cpu_request),
        "volumeMounts": download_mounts(model),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
    }


def download_job(model: ServedModel) -> Manifest:
    """The one Job that fills a model's volume.

    It runs on the model's pool: the volume may exist in one zone only, and the image is needed there next.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{model.name}-download",
            "namespace": model.namespace,
            "labels": download_labels(model),
            # A failed Job stays failed: without this a mended token would never be tried.
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
                    "serviceAccountName": model.name,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "nodeSelector": model.node_selector,
                    "tolerations": tolerations(model.taints),
                    "securityContext": non_root_pod(),
                    "containers": [download_container(model)],
                    "volumes": download_volumes(model),
                },
            },
        },
    }
