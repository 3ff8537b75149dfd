"""KServe's values: its controller without Knative, Istio and Ingress; what models it serves is the stack's business."""

from __future__ import annotations

from typing import Any

from planning.model import OperatorPlan
from planning.versions.pins import mirrored

CONTROLLER_IMAGE = "kserve/kserve-controller"
PROXY_IMAGE = "quay.io/brancz/kube-rbac-proxy:v0.18.0"


def kserve_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart kserve-resources; only what differs from its defaults or must not move with them.

    The chart has no ServingRuntimes (kserve-runtime-configs has): our models bring their container. Its readiness probe
    waits 30 s, in which cert-manager writes the webhooks' CA: a release that is ready answers for InferenceServices.
    """
    controller: dict[str, Any] = {
        "deploymentMode": "Standard",
        # A model is reached by its Service; KServe's own routes need Istio or a Gateway.
        "gateway": {
            "disableIstioVirtualHost": True,
            "disableIngressCreation": True,
            # Made for every model all the same, and an error where a label is longer than 63: name and namespace apart.
            "domainTemplate": "{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}",
        },
        # The tag is the chart's version and does not move.
        "imagePullPolicy": "IfNotPresent",
    }
    if plan.mirror:
        controller["image"] = mirrored(CONTROLLER_IMAGE, plan.mirror)
        controller["rbacProxyImage"] = mirrored(PROXY_IMAGE, plan.mirror)
    # Empty: no CPU limit. With the default, 1, the Deployment of a server that asks for more is refused: KServe writes
    # limits where there are none (inference_service_defaults.go; seen with the real controller, 0.17.0).
    limits = {"resources": {"limits": {"cpu": ""}}}
    return {"kserve": {"controller": controller, "inferenceservice": limits}}
