"""LoRA adapters of a simulated engine: names that it answers to beside its own, loaded at its start or while it runs.

As vLLM 0.32.0: entrypoints/serve/lora/api_router.py (the paths are there only where VLLM_ALLOW_RUNTIME_LORA_UPDATING is
set), entrypoints/openai/models/serving.py (checks and words), v1/worker/lora_model_runner_mixin.py. Simulated: no
weights are read, so a path that is not there is not seen.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from local.engine.engine import Engine
from local.engine.protocol import ApiError, read

INPUT, MISSING = "InvalidUserInput", "NotFoundError"


class LoadRequest(BaseModel):
    """POST /v1/load_lora_adapter."""

    lora_name: str
    lora_path: str
    load_inplace: bool = False
    is_3d_lora_weight: bool = False


class UnloadRequest(BaseModel):
    """POST /v1/unload_lora_adapter."""

    lora_name: str
    lora_int_id: int | None = None


def _only_json(request: web.BaseRequest) -> None:
    if request.content_type != "application/json":
        raise ApiError(400, "['Unsupported Media Type: Only 'application/json' is allowed']", "Bad Request")


async def load(engine: Engine, request: web.BaseRequest) -> web.StreamResponse:
    """Takes an adapter in. Raises ApiError."""
    _only_json(request)
    asked = await read(request, LoadRequest)
    name = asked.lora_name
    if not name or not asked.lora_path:
        raise ApiError(400, "Both 'lora_name' and 'lora_path' must be provided.", INPUT)
    if name in engine.served_names:
        raise ApiError(400, f"The lora adapter '{name}' conflicts with a served base model.", INPUT)
    if name in engine.adapters and not asked.load_inplace:
        raise ApiError(
            400,
            f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place, set "
            "'load_inplace' to True.",
            INPUT,
        )
    if not engine.config.arguments.enable_lora:
        raise ApiError(500, "LoRA is not enabled. Use --enable-lora to enable LoRA.", "InternalServerError")
    engine.adapters[name] = asked.lora_path
    return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")


async def unload(engine: Engine, request: web.BaseRequest) -> web.StreamResponse:
    """Takes one out. Raises ApiError."""
    _only_json(request)
    name = (await read(request, UnloadRequest)).lora_name
    if not name:
        raise ApiError(400, "'lora_name' needs to be provided to unload a LoRA adapter.", INPUT)
    if name not in engine.adapters:
        raise ApiError(404, f"The lora adapter '{name}' cannot be found.", MISSING)
    del engine.adapters[name]
    return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")


def cards(engine: Engine) -> list[dict[str, Any]]:
    """What GET /v1/models lists beside the model."""
    own = {"object": "model", "owned_by": "vllm-simulated", "simulated": True, "max_model_len": None, "permission": []}
    return [
        {"id": name, **own, "root": path, "parent": engine.served_names[0]} for name, path in engine.adapters.items()
    ]


def named(modules: tuple[str, ...]) -> dict[str, str]:
    """Name -> path of what --lora-modules lists: `name=path`, or a JSON object."""
    adapters = {}
    for module in modules:
        if module.startswith("{"):
            described = json.loads(module)
            adapters[str(described["name"])] = str(described["path"])
        else:
            name, _, path = module.partition("=")
            adapters[name] = path
    return adapters
