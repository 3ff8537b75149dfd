"""What torch.compile made, kept on the stack's file system: an init container brings it, a sidecar keeps it.

The server compiles on the pod's own disk and mounts nothing of the file system: what the sidecar keeps is written once,
under a name of image, GPU and arguments, and never changed after that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.images import pull_policy
from components.pods import SCRATCH_PATH, quantities
from components.security import restricted_container
from planning.model import CompiledPlan, PodResources, ServedModel

# Handed over as text, as the downloader is.
PROGRAM = (Path(__file__).parents[1] / "compile_cache.py").read_text(encoding="utf-8")
VOLUME, MOUNT = "compiled", "/compiled"
# VLLM_CACHE_ROOT, with the caches of what vLLM compiles with: one folder that is packed whole.
ROOT = f"{SCRATCH_PATH}/vllm"


def claim_name(model: ServedModel) -> str:
    """The claim of a model's folder on the file system."""
    return f"{model.name}-compiled"


def compiled_volumes(model: ServedModel) -> list[dict[str, Any]]:
    """The model's own folder; none where nothing is kept."""
    return [{"name": VOLUME, "persistentVolumeClaim": {"claimName": claim_name(model)}}] if model.compiled else []


def compiled_environment(model: ServedModel) -> dict[str, str]:
    """Below the root that is packed, in the place of folders beside it."""
    if model.compiled is None:
        return {}
    return {"TORCHINDUCTOR_CACHE_DIR": f"{ROOT}/torchinductor", "TRITON_CACHE_DIR": f"{ROOT}/triton"}


def compiled_containers(model: ServedModel) -> list[dict[str, Any]]:
    """Init containers: the one that brings, and the one that keeps, which stays beside the server (restartPolicy)."""
    plan = model.compiled
    if plan is None:
        return []
    keeper = {**_container(model, plan, "keep", plan.keep), "restartPolicy": "Always"}
    return [_container(model, plan, "restore", plan.restore), keeper]


def _container(model: ServedModel, plan: CompiledPlan, mode: str, resources: PodResources) -> dict[str, Any]:
    asked = {
        "mode": mode,
        "kept": f"{MOUNT}/{plan.key}.tar",
        "root": ROOT,
        "url": f"http://127.0.0.1:{model.port}/health",
    }
    return {
        "name": f"compiled-{mode}",
        "image": model.image,
        "imagePullPolicy": pull_policy(model.image),
        "command": ["python3", "-c", PROGRAM],
        "args": [json.dumps(asked)],
        "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}],  # the image asks for all GPUs of the node
        "resources": quantities(resources),
        "volumeMounts": [
            {"name": VOLUME, "mountPath": MOUNT, **({"readOnly": True} if mode == "restore" else {})},
            {"name": "scratch", "mountPath": SCRATCH_PATH},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(model.user_id, model.group_id),
    }
