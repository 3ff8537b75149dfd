"""What serves a model, by its backend's row: image, and the names that pods, series and Deployment have there."""

from __future__ import annotations

from typing import Any

from planning.backends.table import backends
from planning.versions import pins
from settings.backends import Backend


def engine_of(backend: Backend) -> pins.EnginePin:
    """The image of a backend."""
    return pins.ENGINES[backends()[backend.value].engine]


def backend_names(backend: Backend, model: str) -> dict[str, Any]:
    """Those fields of a ServedModel that the backend's row decides."""
    row, engine = backends()[backend.value], engine_of(backend)
    return {
        "backend": row.name,
        "deployment_suffix": row.deployment_of("") if row.deployment else None,
        "operators": row.operators,
        "pod_names": row.pods_of(model),
        "pod_selector": dict(row.labels),
        "api_path": row.path,
        "metrics_port": row.metrics_port,
        "metrics_prefix": row.metrics_prefix,
        "user_id": engine.user_id,
        "group_id": engine.group_id,
    }
