"""Argo Rollouts' values: the controller, without rights and words for meshes and load balancers that no stack has."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.resources import operator_resources
from planning.model import OperatorPlan
from planning.versions.pins import mirrored

REGISTRY = "quay.io"


def argo_rollouts_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart argo-rollouts; only what differs from its defaults or must not move with them."""
    monitored = plan.network.monitoring_namespace is not None
    controller: dict[str, Any] = {
        "resources": operator_resources(plan),
        "metrics": {"enabled": monitored, "serviceMonitor": {"enabled": monitored}},
    }
    if labels := plan.network.monitor_labels:
        controller["metrics"]["serviceMonitor"]["additionalLabels"] = labels
    if plan.mirror:
        controller["image"] = {"registry": mirrored(REGISTRY, plan.mirror)}
    return {
        "installCRDs": True,
        # With the definitions every Rollout of the cluster would go, and its pods with it; those of others too.
        "keepCRDs": True,
        # Else every editor of a namespace may change Rollouts by the roles that Kubernetes adds up.
        "createClusterAggregateRoles": False,
        # Of Istio, Traefik, App Mesh and others: weights are by pods here.
        "providerRBAC": {"enabled": False},
        "controller": controller,
    }
