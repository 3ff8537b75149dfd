"""A cluster that exists: what this stack puts into it beside what may be there already. Nothing of it is known here."""

from __future__ import annotations

from collections.abc import Iterator

from planning.cluster.load_balancers import installs_controller
from planning.findings import Findings
from settings.cluster import CreateCluster
from settings.models import EfsCache, VolumeCache
from settings.stack import StackSettings
from settings.tokens import SecretsManagerToken

RULE = "existing-cluster"
IF_IT_HAS = "write false if it has one"
CLASSES = "write one of those that `kubectl get storageclass` lists"


def check_existing(settings: StackSettings, findings: Findings) -> None:
    """One warning for each thing that two owners cannot both have, or that must be there."""
    cluster = settings.cluster
    if isinstance(cluster, CreateCluster):
        return
    for path, message, fix in (*_installed(settings), *_needed(settings)):
        findings.warning(path, RULE, f"it is not known here whether {cluster.name} has {message}", fix)


def _installed(settings: StackSettings) -> Iterator[tuple[str, str, str]]:
    if settings.monitoring.installed:
        yield (
            "monitoring.enabled",
            "a Prometheus operator already: two of them write the same objects, and a second node-exporter finds its "
            "port 9100 taken",
            "write monitoring.prometheus: {kind: existing, namespace: <where it runs>} if it has one, or false",
        )
    if settings.gpu_operator.enabled:
        yield (
            "gpuOperator.enabled",
            "a GPU operator or device plugin already: two of them advertise the same GPUs",
            IF_IT_HAS,
        )
    if settings.keda.install and any(model.autoscaling.kind == "keda" for model in settings.models):
        yield "keda.install", "KEDA already: one cluster has one external metrics API", IF_IT_HAS
    tokens = (model.token_secret for model in settings.models)
    if settings.external_secrets.install and any(isinstance(token, SecretsManagerToken) for token in tokens):
        yield (
            "externalSecrets.install",
            "External Secrets Operator already: two of them write the same Secrets, and the second release finds the "
            "definitions taken",
            IF_IT_HAS,
        )
    if installs_controller(settings):
        yield (
            "loadBalancerController.install",
            "AWS Load Balancer Controller already: two of them make the same load balancers, and the second release "
            "finds the IngressClass taken",
            IF_IT_HAS,
        )


def _needed(settings: StackSettings) -> Iterator[tuple[str, str, str]]:
    if settings.monitoring.installed:
        yield (
            "monitoring.storageClass",
            f"the storage class {settings.monitoring.storage_class}, which Prometheus' volume asks for",
            CLASSES,
        )
    for index, model in enumerate(settings.models):
        if isinstance(model.cache, VolumeCache):
            yield (
                f"models[{index}].cache.storageClass",
                f"the storage class {model.cache.storage_class}",
                CLASSES,
            )
        if isinstance(model.cache, EfsCache):
            yield (
                f"models[{index}].cache.kind",
                "the EKS add-on aws-efs-csi-driver, without which no pod mounts the file system",
                "make sure that it has (it needs no role for that)",
            )
    if settings.models:
        yield (
            "cluster.kind",
            "network policies enforced: without, every pod of the cluster reaches the models",
            "set enableNetworkPolicy of vpc-cni, or make sure that another CNI enforces them",
        )
