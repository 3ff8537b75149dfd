"""LeaderWorkerSet's values: one controller for the groups of all models."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.resources import operator_resources
from planning.model import OperatorPlan
from planning.versions.pins import mirrored

IMAGE, TAG = "registry.k8s.io/lws/lws", "v0.7.0"


def lws_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart lws; only what differs from its defaults or must not move with them.

    Its webhooks' certificate is its own work (internalCertManagement): its pod is Ready before they answer.
    """
    return {
        "image": {
            "manager": {
                "repository": mirrored(IMAGE, plan.mirror),
                "tag": TAG,
                "pullPolicy": "IfNotPresent",  # the tag does not move
            }
        },
        "resources": operator_resources(plan),
        # The image's user by number is 65532 (Dockerfile); the profile is what Pod Security `restricted` asks for.
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
