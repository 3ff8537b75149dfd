"""A chat template of the user's own: a ConfigMap, mounted where `--chat-template` says."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any

from components.manifest import Manifest
from components.serving.manifests.names import metadata
from planning.model import CHAT_TEMPLATE_FILE, ServedModel

_PLACE = PurePosixPath(CHAT_TEMPLATE_FILE)


def config_map_name(model: ServedModel) -> str:
    """The ConfigMap that holds the template."""
    return f"{model.name}-chat-template"


def chat_template(model: ServedModel) -> Manifest:
    """The ConfigMap; only for a model that has a template of its own."""
    assert model.chat_template is not None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(model, config_map_name(model)),
        "data": {_PLACE.name: model.chat_template},
    }


def template_annotations(model: ServedModel) -> dict[str, str]:
    """The server reads the file once, at its start: another text has to be another pod."""
    if model.chat_template is None:
        return {}
    return {"vllm-on-eks/chat-template": hashlib.sha256(model.chat_template.encode()).hexdigest()[:16]}


def template_volumes(model: ServedModel) -> list[dict[str, Any]]:
    """The volume, for a model that has a template."""
    if model.chat_template is None:
        return []
    return [{"name": "chat-template", "configMap": {"name": config_map_name(model)}}]


def template_mounts(model: ServedModel) -> list[dict[str, Any]]:
    """Its mount in the server."""
    if model.chat_template is None:
        return []
    return [{"name": "chat-template", "mountPath": str(_PLACE.parent), "readOnly": True}]
