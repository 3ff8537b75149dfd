"""Environment of the two containers of the vLLM image: the downloader has network and token, the server neither.

A user id without an entry in the image's passwd needs USER, or torch stops at import ("getpwuid(): uid not found",
vllm-project/vllm#44548), and a HOME that it may write to.
"""

from __future__ import annotations

from typing import Any

from components.pods import SCRATCH_PATH
from components.serving.manifests.compiled import compiled_environment
from components.serving.manifests.names import TOKEN_FILE, TOKEN_PATH
from planning.model import HUB_CACHE, BucketPlan, ServedModel

# Below HOME are most libraries' caches; HF_HOME is apart from the weights, which servers cannot write to.
_ANY_USER = {
    "HOME": SCRATCH_PATH,
    "USER": "vllm",
    "HF_HOME": f"{SCRATCH_PATH}/huggingface",
    "HF_HUB_CACHE": HUB_CACHE,
}


def server_environment(model: ServedModel) -> list[dict[str, Any]]:
    """The plan's environment and our paths.

    The paths are those we mount, and the server is offline, whatever the plan says: a missing file is an error and
    never a download.
    """
    environment = _as_list(
        {
            **model.env,
            **_ANY_USER,
            **(_bucket(model) if model.cache.kind == "stream" else {}),
            "VLLM_CACHE_ROOT": f"{SCRATCH_PATH}/vllm",
            "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH_PATH}/torchinductor",
            **compiled_environment(model),
            "HF_HUB_OFFLINE": "1",
        }
    )
    return environment + [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": source.secret_name, "key": source.secret_key}}}
        for name, source in model.secret_env.items()
    ]


def download_environment(model: ServedModel) -> list[dict[str, Any]]:
    """The downloader; the token is a file: environments end up in crash dumps and child processes."""
    environment = _as_list(
        {
            **_ANY_USER,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",  # files are fetched once: chunks kept for later only fill the disk
            "NVIDIA_VISIBLE_DEVICES": "void",  # the image asks for all GPUs of the node, the downloader needs none
            **(dict(model.way_in.env) if model.repositories else {}),
            **_bucket(model),
        }
    )
    if model.token:
        # Read where HF_TOKEN is not set (huggingface_hub, constants.py).
        environment.append({"name": "HF_TOKEN_PATH", "value": f"{TOKEN_PATH}/{TOKEN_FILE}"})
    return environment


def _bucket(model: ServedModel) -> dict[str, str]:
    """Where the source's bucket is; who asks is the pod's identity."""
    source = model.source
    return {"AWS_REGION": source.region, "AWS_DEFAULT_REGION": source.region} if isinstance(source, BucketPlan) else {}


def _as_list(environment: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in environment.items()]
