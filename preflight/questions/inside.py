"""What an existing cluster holds already: storage classes, Prometheus, GPU operator, KEDA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planning.findings import listed
from planning.model import ClaimPlan, ExistingClusterPlan, ExternalSecretsPlan, StackPlan
from preflight.account import AwsAccount
from preflight.kube import ClusterApi
from preflight.model import Answer, Question, Verdict
from preflight.questions import prometheus, ways_in
from preflight.questions.cluster import described

RULE = ("existing-cluster",)  # planning/cluster/existing.py
_CLUSTER_POLICIES = "/apis/nvidia.com/v1/clusterpolicies"
_EXTERNAL_METRICS = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
_CUSTOM_METRICS = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.custom.metrics.k8s.io"
_DEVICE_PLUGIN = "nvidia-device-plugin"
_OURS = "cluster-autoscaler"  # components/cluster/cluster_autoscaler.py: release and policy
_OPERATOR = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


def _inside(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    cluster = described(plan, aws)
    if cluster is None:
        return
    api = ClusterApi(cluster, aws)
    yield from _classes(plan, api)
    yield from _claims(plan, api)
    yield from _monitoring(plan, api)
    yield from _gpus(plan, api)
    yield from _node_autoscaler(plan, api)
    if plan.keda is not None and plan.keda.install:
        service = (api.get(_EXTERNAL_METRICS) or {}).get("spec", {}).get("service")
        others = [str(service["namespace"])] if service else []
        yield _other("keda.install", "external metrics API (KEDA)", others, plan.keda.namespace)
    if plan.load_balancer_controller is not None:
        yield from ways_in.load_balancer_controller(plan.load_balancer_controller, api)
    elif plan.entry is not None:
        yield from ways_in.ingress_class(plan.entry, api)
    if plan.external_secrets is not None:
        yield from _operator(plan.external_secrets, api)


def _operator(plan: ExternalSecretsPlan, api: ClusterApi) -> Iterator[Answer]:
    """Ours may be the only one; where it is to be the cluster's own, there must be one."""
    version = api.get(_OPERATOR)
    if plan.install:
        others = [str(version["metadata"].get("annotations", {}).get(_RELEASE_NAMESPACE, "?"))] if version else []
        yield _other("externalSecrets.install", "External Secrets Operator", others, plan.namespace)
    elif version is None:
        said = "false, and the cluster has no kind ExternalSecret"
        yield Answer("inside", "externalSecrets.install", Verdict.ERROR, said, fix="write true, or install it first")


def _monitoring(plan: StackPlan, api: ClusterApi) -> Iterator[Answer]:
    """Prometheus, ours beside no other, or the existing one as described; and who serves custom metrics."""
    monitoring = plan.monitoring
    if monitoring is None:
        return
    if monitoring.existing is not None:
        yield from prometheus.existing(plan, monitoring.existing, api)
    else:
        others = [_namespace(item) for item in api.items(prometheus.PROMETHEUSES)]
        instead = "write monitoring.prometheus: {{kind: existing, namespace: {}}} to use it, or false"
        yield _other("monitoring.enabled", "Prometheus operator", others, monitoring.namespace, instead)
    if monitoring.adapter_rules:
        service = (api.get(_CUSTOM_METRICS) or {}).get("spec", {}).get("service")
        others = [str(service["namespace"])] if service else []
        instead = (
            "write autoscaling: {{kind: keda}} for the models (KEDA asks Prometheus itself), or remove that adapter"
        )
        yield _other("monitoring.namespace", "custom metrics API", others, monitoring.namespace, instead)


def _gpus(plan: StackPlan, api: ClusterApi) -> Iterator[Answer]:
    """One device plugin for the GPUs, not two, and not none."""
    path = "gpuOperator.enabled"
    releases = [
        str(item["metadata"].get("annotations", {}).get(_RELEASE_NAMESPACE, "?"))
        for item in api.items(_CLUSTER_POLICIES)
    ]
    if plan.gpu_operator is not None:
        yield _other(path, "GPU operator", releases, plan.gpu_operator.namespace)
        return
    plugins = [
        _namespace(item)
        for item in api.items("/apis/apps/v1/daemonsets")
        if _DEVICE_PLUGIN in str(item["metadata"]["name"])
    ]
    settled = ("no-device-plugin",)
    if releases or plugins:
        where = listed(dict.fromkeys((*releases, *plugins)))
        yield Answer("inside", path, Verdict.OK, f"a device plugin is there (namespace {where})", settled)
    elif plan.models:
        said = f"false, and {plan.cluster.name} has neither GPU operator nor device plugin: no model is scheduled"
        yield Answer("inside", path, Verdict.ERROR, said, settled, fix="write true")


def _node_autoscaler(plan: StackPlan, api: ClusterApi) -> Iterator[Answer]:
    """A foreign cluster-autoscaler, distinguished by the policy that ours has."""
    if plan.cluster_autoscaler is None:
        return
    theirs = [
        f"{_namespace(item)}/{item['metadata']['name']}"
        for item in api.items("/apis/apps/v1/deployments")
        if "cluster-autoscaler" in str(item["metadata"]["name"])
    ]
    policy = api.get(
        f"/apis/networking.k8s.io/v1/namespaces/{plan.cluster_autoscaler.namespace}/networkpolicies/{_OURS}"
    )
    if theirs and policy is None:
        said = f"there is a cluster-autoscaler ({listed(theirs)}); two of them scale the same groups"
        fix = "write nodeAutoscaling: {install: false}"
        yield Answer("inside", "nodeAutoscaling", Verdict.ERROR, said, ("autoscaler-credentials",), fix=fix)


def _classes(plan: StackPlan, api: ClusterApi) -> Iterator[Answer]:
    classes_needed = {}
    if plan.monitoring is not None and plan.monitoring.stack_chart is not None:
        classes_needed["monitoring.storageClass"] = plan.monitoring.storage_class
    for index, model in enumerate(plan.models):
        if model.cache.kind == "persistentVolume" and model.cache.storage_class:
            classes_needed[f"models[{index}].cache.storageClass"] = model.cache.storage_class
    if not classes_needed:
        return
    have = sorted(str(item["metadata"]["name"]) for item in api.items(_CLASSES))
    for path, name in classes_needed.items():
        if name in have:
            yield Answer("storage", path, Verdict.OK, f"storage class {name} is there", RULE)
        else:
            said = f"{plan.cluster.name} has no storage class {name} (it has {listed(have) or 'none'})"
            fix = "write one of them"
            yield Answer("storage", path, Verdict.ERROR, said, RULE, fix=fix)


def _claims(plan: StackPlan, api: ClusterApi) -> Iterator[Answer]:
    """Of weights on an existing claim: the claim is there, and as many nodes may mount it as there may be."""
    for index, model in enumerate(plan.models):
        if not isinstance(model.source, ClaimPlan):
            continue
        path, name = f"models[{index}].source", model.source.claim
        pods = api.get(f"/api/v1/namespaces/{model.namespace}/persistentvolumeclaims/{name}")
        if pods is None:
            said = f"{plan.cluster.name} has no PersistentVolumeClaim {name} in namespace {model.namespace}"
            yield Answer("inside", path, Verdict.ERROR, said, fix="write one that is there, or make it first")
            continue
        modes = [str(mode) for mode in pods.get("spec", {}).get("accessModes", [])]
        if model.autoscaling.max_replicas > 1 and not {"ReadOnlyMany", "ReadWriteMany"} & set(modes):
            said = (
                f"{name} is {listed(modes)}, so one node mounts it, and maxReplicas is {model.autoscaling.max_replicas}"
            )
            fix = "write a claim of kind ReadOnlyMany or ReadWriteMany, or maxReplicas: 1"
            yield Answer("inside", path, Verdict.WARNING, said, fix=fix)
        else:
            yield Answer("inside", path, Verdict.OK, f"claim {name} is there ({listed(modes)})")


def _other(
    path: str,
    what: str,
    namespaces: list[str],
    ours: str,
    instead: str = "write false, two of them fight over the same objects",
) -> Answer:
    """`instead`: what to write, with the foreign namespace in the place of {}."""
    foreign = [name for name in namespaces if name != ours]
    if foreign:
        said = f"there is a {what} in namespace {listed(foreign)}"
        return Answer("inside", path, Verdict.ERROR, said, RULE, fix=instead.format(foreign[0]))
    return Answer("inside", path, Verdict.OK, f"no other {what}", RULE)


def _namespace(item: Any) -> str:
    return str(item["metadata"]["namespace"])


def _guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.cluster, ExistingClusterPlan):
        return None
    return f"{plan.cluster.name} has what the stack uses of it, and no Prometheus, GPU operator or KEDA beside"


QUESTIONS = (Question("inside", "cluster", _guess, _inside),)
