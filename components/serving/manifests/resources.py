"""Requests and limits."""

from __future__ import annotations

from planning.model import PodResources

GPU = "nvidia.com/gpu"


def quantities(resources: PodResources) -> dict[str, dict[str, str]]:
    """Requests, and equal limits of all but CPU: a CPU limit would throttle tokenizing (kernel quota)."""
    same = {"memory": resources.memory, "ephemeral-storage": resources.ephemeral_storage}
    if resources.gpus:
        same[GPU] = str(resources.gpus)
    return {"requests": {"cpu": resources.cpu_request, **same}, "limits": same}
