"""Requests and limits."""

from __future__ import annotations

from planning.model import GPU_RESOURCE, PodResources


def quantities(resources: PodResources, cpu_limit: str | None = None) -> dict[str, dict[str, str]]:
    """Requests, and equal limits of all but CPU: for a server that limit would throttle tokenizing (kernel quota)."""
    same = {"memory": resources.memory, "ephemeral-storage": resources.ephemeral_storage}
    if resources.gpus:
        same[GPU_RESOURCE] = str(resources.gpus)
    limits = {"cpu": cpu_limit, **same} if cpu_limit else same
    return {"requests": {"cpu": resources.cpu_request, **same}, "limits": limits}
