"""What pods of ours have in common, for every backend: quantities, a place to write to, names of topology."""

from __future__ import annotations

from typing import Any

from planning.model import GPU_RESOURCE, PodResources

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
# A cold start costs minutes of a GPU: a node autoscaler must not move a model to save a node. Replicas leave when their
# own autoscaler lets them go, and the node when it is empty. Drains and node upgrades do not look at it.
NOT_MOVED_BY_CLUSTER_AUTOSCALER = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
# The label app.kubernetes.io/component of a model's servers.
SERVER = "model-server"
# The one place a server may write on its disk: HOME, compile caches, sockets.
SCRATCH_PATH = "/tmp"


def scratch_volume() -> dict[str, Any]:
    """What a container may write to; the ephemeral-storage limit bounds it."""
    return {"name": "scratch", "emptyDir": {}}


def quantities(resources: PodResources, cpu_limit: str | None = None) -> dict[str, dict[str, str]]:
    """Requests, and equal limits of all but CPU: for a server that limit would throttle tokenizing (kernel quota).
    Cores of its own are not throttled (Kubernetes 1.33, DisableCPUQuotaWithExclusiveCPUs)."""
    same = {"memory": resources.memory, "ephemeral-storage": resources.ephemeral_storage}
    if resources.gpus:
        same[GPU_RESOURCE] = str(resources.gpus)
    limit = resources.cpu_limit or cpu_limit
    limits = {"cpu": limit, **same} if limit else same
    return {"requests": {"cpu": resources.cpu_request, **same}, "limits": limits}
