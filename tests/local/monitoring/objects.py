"""Objects as the API server shows them, as far as these tests need them."""

from __future__ import annotations

from typing import Any


def pod(
    name: str,
    image: str = "quay.io/prometheus/prometheus:v3.14.0-distroless",
    *,
    namespace: str = "monitoring",
    ready: bool = True,
    created: str = "2026-11-21T10:00:00Z",
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A pod with one container of that image; `spec`: further fields of the pod's spec or of its container."""
    container = {"name": "main", "image": image}
    container |= {key: spec.pop(key) for key in ("args", "env", "ports", "volumeMounts", "resources") if key in spec}
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}-{created}",
        "creationTimestamp": created,
        "labels": labels or {},
    }
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": created}]
    return {
        "metadata": metadata,
        "spec": {"containers": [container], **spec},
        "status": {"phase": "Running" if ready else "Pending", "conditions": conditions},
    }
