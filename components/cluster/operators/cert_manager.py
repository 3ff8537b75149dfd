"""cert-manager's values: it signs the certificates of other operators' webhooks."""

from __future__ import annotations

from typing import Any

from planning.model import OperatorPlan
from planning.versions.pins import mirrored

REGISTRY = "quay.io"


def cert_manager_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart cert-manager; only what differs from its defaults."""
    values: dict[str, Any] = {
        # Kept when the release goes: with them every certificate of the cluster would go, those of others too.
        "crds": {"enabled": True, "keep": True},
        # Leases in its own namespace: kube-system is not ours.
        "global": {"leaderElection": {"namespace": plan.namespace}},
    }
    if plan.mirror:
        values["imageRegistry"] = mirrored(REGISTRY, plan.mirror)
    return values
