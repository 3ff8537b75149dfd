"""What serves a model, by its backend's row: image, and the names that pods, series and Deployment have there."""

from __future__ import annotations

from typing import Any

from planning.backends.table import backends
from planning.serving.groups import OPERATOR, leader_pods
from planning.versions import pins
from settings.backends import Backend
from settings.models import Model


def engine_of(backend: Backend) -> pins.EnginePin:
    """The image of a backend."""
    return pins.ENGINES[backends()[backend.value].engine]


def server_pods(backend: Backend, model: Model) -> str:
    """A regular expression of the names of the pods that answer requests."""
    return leader_pods(model.name) if model.nodes > 1 else backends()[backend.value].pods_of(model.name)


def backend_names(backend: Backend, model: Model) -> dict[str, Any]:
    """Those fields of a ServedModel that the backend's row decides, or that each replica is a group of pods."""
    row, engine = backends()[backend.value], engine_of(backend)
    alone = model.nodes == 1
    return {
        "backend": row.name,
        "deployment_suffix": row.deployment_of("") if row.deployment and alone else None,
        "operators": row.operators if alone else (*row.operators, OPERATOR),
        "pod_names": server_pods(backend, model),
        "pod_selector": dict(row.labels),
        "api_path": row.path,
        "metrics_port": row.metrics_port,
        "metrics_prefix": row.metrics_prefix,
        "user_id": engine.user_id,
        "group_id": engine.group_id,
    }
