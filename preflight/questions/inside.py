"""What an existing cluster holds already: storage classes, Prometheus, GPU operator, KEDA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planning.findings import listed
from planning.model import ExistingClusterPlan, StackPlan
from preflight.account import AwsAccount
from preflight.kube import KubeApi
from preflight.model import Answer, Question, Verdict
from preflight.questions.cluster import described

RULE = ("existing-cluster",)  # planning/cluster/existing.py
_PROMETHEUSES = "/apis/monitoring.coreos.com/v1/prometheuses"
_CLUSTER_POLICIES = "/apis/nvidia.com/v1/clusterpolicies"
_EXTERNAL_METRICS = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


def _inside(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    cluster = described(plan, aws)
    if cluster is None:
        return
    api = KubeApi(cluster, aws)
    yield from _classes(plan, api)
    if plan.monitoring is not None:
        others = [_namespace(each) for each in api.items(_PROMETHEUSES)]
        yield _other("monitoring.enabled", "Prometheus operator", others, plan.monitoring.namespace)
    if plan.gpu_operator is not None:
        found = api.items(_CLUSTER_POLICIES)
        others = [str(each["metadata"].get("annotations", {}).get(_RELEASE_NAMESPACE, "?")) for each in found]
        yield _other("gpuOperator.enabled", "GPU operator", others, plan.gpu_operator.namespace)
    if plan.keda is not None and plan.keda.install:
        service = (api.get(_EXTERNAL_METRICS) or {}).get("spec", {}).get("service")
        others = [str(service["namespace"])] if service else []
        yield _other("keda.install", "external metrics API (KEDA)", others, plan.keda.namespace)


def _classes(plan: StackPlan, api: KubeApi) -> Iterator[Answer]:
    wanted = {}
    if plan.monitoring is not None:
        wanted["monitoring.storageClass"] = plan.monitoring.storage_class
    for index, model in enumerate(plan.models):
        if model.cache.kind == "persistentVolume" and model.cache.storage_class:
            wanted[f"models[{index}].cache.storageClass"] = model.cache.storage_class
    if not wanted:
        return
    have = sorted(str(each["metadata"]["name"]) for each in api.items(_CLASSES))
    for path, name in wanted.items():
        if name in have:
            yield Answer("storage", path, Verdict.OK, f"storage class {name} is there", RULE)
        else:
            said = f"{plan.cluster.name} has no storage class {name} (it has {listed(have) or 'none'})"
            fix = "write one of them"
            yield Answer("storage", path, Verdict.ERROR, said, RULE, fix=fix)


def _other(path: str, what: str, namespaces: list[str], ours: str) -> Answer:
    foreign = [name for name in namespaces if name != ours]
    if foreign:
        said = f"there is a {what} in namespace {listed(foreign)}"
        fix = "write false, two of them fight over the same objects"
        return Answer("inside", path, Verdict.ERROR, said, RULE, fix=fix)
    return Answer("inside", path, Verdict.OK, f"no other {what}", RULE)


def _namespace(found: Any) -> str:
    return str(found["metadata"]["namespace"])


def _guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.cluster, ExistingClusterPlan):
        return None
    return f"{plan.cluster.name} has the storage classes, and no Prometheus, GPU operator or KEDA beside ours"


QUESTIONS = (Question("inside", "cluster", _guess, _inside),)
