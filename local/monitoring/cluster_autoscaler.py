"""What the cluster-autoscaler would say of the cluster, simulated: its nodes, and the pods that find no place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.monitoring.exposition import Families

Object = Mapping[str, Any]


def _conditions(item: Object) -> Iterable[Object]:
    return (item.get("status") or {}).get("conditions") or []


def families(nodes: Iterable[Object], pods: Iterable[Object]) -> Families:
    """The series that dashboards begin with; names and labels as cluster-autoscaler's metrics proposal has them."""
    ready = [any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(node)) for node in nodes]
    waiting = sum(
        any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in _conditions(pod))
        for pod in pods
        if not pod["spec"].get("nodeName")
    )
    families = Families()
    families.add("cluster_autoscaler_cluster_safe_to_autoscale", {}, 1)
    families.add("cluster_autoscaler_nodes_count", {"state": "ready"}, sum(ready))
    families.add("cluster_autoscaler_nodes_count", {"state": "unready"}, len(ready) - sum(ready))
    families.add("cluster_autoscaler_unschedulable_pods_count", {"type": "unschedulable"}, waiting)
    return families
