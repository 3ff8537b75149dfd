"""What the GPU operator's programs do to a node, decided from what is installed in the cluster.

Real programs would run in the pods of the release; here no pod runs anything, so the node watcher does their part:
node-feature-discovery and the operator label GPU nodes once the operator's Deployment is there, and the device
plugin advertises `nvidia.com/gpu` on a node once its own pod on that node is Ready.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local.capacity import NodeCapacity
from local.node_rendering import gpu_product_label

GPU = "nvidia.com/gpu"
OPERATOR = "gpu-operator"
DEVICE_PLUGIN = "nvidia-device-plugin-daemonset"
DEPLOYED = ("device-plugin", "gpu-feature-discovery", "dcgm-exporter", "operator-validator")


def is_operator(deployment: Any) -> bool:
    """True for the Deployment of the GPU operator itself, whatever the release is called."""
    labels = deployment.metadata.labels or {}
    return OPERATOR in (
        deployment.metadata.name,
        labels.get("app"),
        labels.get("app.kubernetes.io/component"),
        labels.get("app.kubernetes.io/name"),
    )


def feature_labels(capacity: NodeCapacity) -> dict[str, str]:
    """Labels of a node with GPUs, as node-feature-discovery, GPU feature discovery and the operator write them."""
    return {
        f"{GPU}.present": "true",
        f"{GPU}.count": str(capacity.gpu_count),
        f"{GPU}.product": gpu_product_label(capacity.gpu_product),
        f"{GPU}.memory": str(capacity.gpu_memory_mib),
        **{f"{GPU}.deploy.{part}": "true" for part in DEPLOYED},
    }


def label_changes(current: dict[str, str], capacity: NodeCapacity, operator_installed: bool) -> dict[str, Any]:
    """Labels to set (or to remove, as None) so that a node says what the operator would say."""
    wanted: dict[str, str] = feature_labels(capacity) if operator_installed and capacity.gpu_count else {}
    changes: dict[str, Any] = {key: value for key, value in wanted.items() if current.get(key) != value}
    gone = [key for key in current if key.startswith(f"{GPU}.") and key not in wanted]
    return changes | dict.fromkeys(gone)


def nodes_with_device_plugin(pods: Iterable[Any]) -> set[str]:
    """Names of the nodes on which a pod of the device plugin's DaemonSet is Ready."""
    return {pod.spec.node_name for pod in pods if _is_device_plugin(pod) and _is_ready(pod)}


def gpu_change(current: dict[str, str], capacity: NodeCapacity, advertised: bool) -> dict[str, Any]:
    """Merge patch of a node's status so that its GPUs are allocatable exactly while they are advertised."""
    wanted = str(capacity.gpu_count) if advertised and capacity.gpu_count else None
    if current.get(GPU) == wanted:
        return {}
    return {"capacity": {GPU: wanted}, "allocatable": {GPU: wanted}}


def _is_device_plugin(pod: Any) -> bool:
    owners = pod.metadata.owner_references or []
    return any(owner.kind == "DaemonSet" and owner.name == DEVICE_PLUGIN for owner in owners)


def _is_ready(pod: Any) -> bool:
    if pod.metadata.deletion_timestamp is not None:
        return False
    conditions = pod.status.conditions or []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)
