"""What the stack would make in an existing cluster and that is there already.

`up` applies with server-side apply: an object of the same name is not refused, it is taken over, and `destroy` deletes
it with all that is in it (pulumi-kubernetes 4.25). So this is asked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planning.model import OWN_LABELS, PRIORITY_CLASSES, STACK_LABEL, STANDARD, ExistingClusterPlan, StackPlan
from preflight.account import AwsAccount
from preflight.kube import ClusterApi
from preflight.model import Answer, Question, Verdict
from preflight.questions.cluster import described

_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def namespaces(plan: StackPlan) -> dict[str, str]:
    """Namespaces that the stack makes, each with the path of the setting that names it."""
    made = dict.fromkeys(plan.model_namespaces, "models[].namespace")
    made |= {model.namespace: f"models[{index}].namespace" for index, model in reversed(list(enumerate(plan.models)))}
    made |= {tenant.namespace: f"tenants[{index}].namespace" for index, tenant in enumerate(plan.tenants)}
    services = {
        "monitoring.namespace": plan.monitoring,
        "gpuOperator.namespace": plan.gpu_operator,
        "keda.namespace": plan.keda if plan.keda and plan.keda.install else None,
        "externalSecrets.namespace": plan.external_secrets
        if plan.external_secrets and plan.external_secrets.install
        else None,
        "loadBalancerController.namespace": plan.load_balancer_controller,
        **{operator.setting: operator for operator in plan.operators if operator.install},
    }
    return made | {service.namespace: path for path, service in services.items() if service is not None}


def _taken(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    cluster = described(plan, aws)
    if cluster is None:
        return
    api = ClusterApi(cluster, aws)
    for name, path in sorted(namespaces(plan).items()):
        item = api.get(f"/api/v1/namespaces/{name}")
        if item is not None and not _is_ours(item):
            said = (
                f"namespace {name} is there and not the stack's: `up` would label it and close its network, `destroy` "
                "delete it with all that is in it"
            )
            yield Answer("taken", path, Verdict.ERROR, said, fix="write another")
    used = {STANDARD} | {model.priority for model in plan.models} | {tenant.priority for tenant in plan.tenants}
    for name in sorted(PRIORITY_CLASSES[priority] for priority in used):
        yield from _priority(name, plan, api.get(f"{_CLASSES}/{name}"))


def _priority(name: str, plan: StackPlan, item: Mapping[str, Any] | None) -> Iterator[Answer]:
    """The class tells stacks of this project apart: each has it, and it is the cluster's."""
    if item is None:
        return
    stack = (item["metadata"].get("labels") or {}).get(STACK_LABEL)
    if not _is_ours(item):
        said = f"PriorityClass {name} is there and not the stack's, which needs that name"
        yield Answer("taken", "cluster", Verdict.ERROR, said, fix="remove it, or take another cluster")
    elif stack not in (None, plan.stack):
        said = f"stack {stack} of vllm-on-eks is in {plan.cluster.name}: both would own its operators"
        yield Answer("taken", "cluster", Verdict.ERROR, said, fix=f"add the models to stack {stack}")


def _is_ours(item: Mapping[str, Any]) -> bool:
    labels = item["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in OWN_LABELS.items())


def _guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.cluster, ExistingClusterPlan):
        return None
    return f"{plan.cluster.name} has no namespace and no PriorityClass of the names that the stack makes"


QUESTIONS = (Question("taken", "cluster", _guess, _taken),)
