"""Whose a namespace is and at which Pod Security level. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PodSecurity(StrEnum):
    """Levels of the Pod Security Standards that we use."""

    PRIVILEGED = "privileged"
    RESTRICTED = "restricted"


@dataclass(frozen=True)
class NamespaceOwner:
    """What of ours lives in a namespace: its name in words, the level its pods need and why, the setting's default."""

    what: str
    level: PodSecurity
    why: str
    usual: str


# By the setting that names the namespace. A release that needs another level is a change here and nowhere else.
# Levels read from the charts of planning/versions/pins.py on 2026-11-27.
NAMESPACE_OWNERS: Mapping[str, NamespaceOwner] = {
    "gpuOperator.namespace": NamespaceOwner(
        "the GPU operator",
        PodSecurity.PRIVILEGED,
        "operands mount host paths and the device plugin's socket",
        "gpu-operator",
    ),
    "monitoring.namespace": NamespaceOwner(
        "Prometheus and Grafana",
        PodSecurity.PRIVILEGED,
        "node-exporter shares the node's network and process ids and reads its root",
        "monitoring",
    ),
    "keda.namespace": NamespaceOwner("KEDA", PodSecurity.RESTRICTED, "its pods need nothing of the node", "keda"),
    "certManager.namespace": NamespaceOwner(
        "cert-manager", PodSecurity.RESTRICTED, "its pods need nothing of the node", "cert-manager"
    ),
    "kserve.namespace": NamespaceOwner(
        "KServe's controller", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "kserve"
    ),
    "kuberay.namespace": NamespaceOwner(
        "KubeRay's operator", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "kuberay"
    ),
    "argoRollouts.namespace": NamespaceOwner(
        "Argo Rollouts", PodSecurity.RESTRICTED, "its pods need nothing of the node", "argo-rollouts"
    ),
    "leaderWorkerSet.namespace": NamespaceOwner(
        "LeaderWorkerSet's controller", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "lws-system"
    ),
    "externalSecrets.namespace": NamespaceOwner(
        "External Secrets Operator", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "external-secrets"
    ),
    "loadBalancerController.namespace": NamespaceOwner(
        "AWS Load Balancer Controller", PodSecurity.RESTRICTED, "its pods need nothing of the node", "load-balancers"
    ),
    "tracing.namespace": NamespaceOwner(
        "the OpenTelemetry Collector", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "tracing"
    ),
    "openCost.namespace": NamespaceOwner(
        "OpenCost", PodSecurity.RESTRICTED, "its pod needs nothing of the node", "opencost"
    ),
    "gateway.namespace": NamespaceOwner(
        "the gateway", PodSecurity.RESTRICTED, "its controller and proxies need nothing of the node", "gateway"
    ),
    "models[].namespace": NamespaceOwner(
        "models", PodSecurity.RESTRICTED, "our own pods need nothing of the node", "models"
    ),
}
