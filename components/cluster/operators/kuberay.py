"""KubeRay's values: one operator for the Ray clusters of all models."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.resources import operator_resources
from planning.model import OperatorPlan
from planning.versions.pins import mirrored

IMAGE = "quay.io/kuberay/operator"


def kuberay_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart kuberay-operator; only what differs from its defaults or must not move with them.

    Its definitions are in the chart's crds folder. Its pod has no webhook: ready is ready.
    """
    values: dict[str, Any] = {
        "resources": operator_resources(plan),
        # Without a number the kubelet refuses the image's user by name under runAsNonRoot.
        "podSecurityContext": {"runAsNonRoot": True, "runAsUser": 65532},
    }
    if plan.mirror:
        values["image"] = {"repository": mirrored(IMAGE, plan.mirror)}
    return values
