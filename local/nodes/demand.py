"""Pods, nodes and node groups of the cluster as the values that node_scaling decides over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from local.nodes.groups import PlatformNodeGroup
from local.nodes.rendering import GROUP_ANNOTATION, render_nodes
from local.nodes.scaling import Amounts, Group, NodeTaint, Requirement, ScaledNode, ScheduledPod, Toleration
from planning.model import GPU_RESOURCE

LEAVING_TAINT = "ToBeDeletedByClusterAutoscaler"
# Of one node alone; a group's next node will have its own.
OWN_LABELS = ("kubernetes.io/hostname",)
TEMPLATE_LABEL = "k8s.io/cluster-autoscaler/node-template/label/"
TEMPLATE_RESOURCE = "k8s.io/cluster-autoscaler/node-template/resources/"
# What the real one knows of a group's first node by its instance type (cloudprovider/aws/aws_manager.go,
# buildNodeFromTemplate): no ephemeral storage, and GPUs as they are, not as they are shared.
TEMPLATE_RESOURCES = ("cpu", "memory", "pods")
MIRROR_POD = "kubernetes.io/config.mirror"


def amounts(quantities: Mapping[str, Any] | None) -> dict[str, float]:
    """Kubernetes quantities as numbers: cores, bytes, counts."""
    parse: Any = parse_quantity  # the client has no types
    return {name: float(parse(value)) for name, value in (quantities or {}).items()}


def asks(key: str, spec: Any) -> ScheduledPod:
    """What a pod of that spec asks of its node: its containers' sum, or its largest init container."""
    requests: dict[str, float] = {"pods": 1.0}
    for container in spec.containers:
        for name, amount in amounts(container.resources and container.resources.requests).items():
            requests[name] = requests.get(name, 0.0) + amount
    for container in spec.init_containers or []:
        for name, amount in amounts(container.resources and container.resources.requests).items():
            requests[name] = max(requests.get(name, 0.0), amount)
    tolerations = [Toleration(t.key or "", t.operator or "Equal", t.value or "", t.effect or "")
                   for t in spec.tolerations or []]  # fmt: skip
    return ScheduledPod(key, requests, spec.node_selector or {}, _affinity(spec), tuple(tolerations))


def _affinity(spec: Any) -> tuple[tuple[Requirement, ...], ...]:
    node = spec.affinity and spec.affinity.node_affinity
    required = node and node.required_during_scheduling_ignored_during_execution
    terms = required.node_selector_terms if required else []
    return tuple(
        tuple(Requirement(e.key, e.operator, tuple(e.values or ())) for e in term.match_expressions or [])
        for term in terms
    )


def is_expendable(pod: Any, cutoff: int) -> bool:
    """Of a priority below the cutoff: no node is bought for it and none kept, and it takes no room (core/utils,
    FilterOutExpendablePods). A pod without a priority is not."""
    return pod.spec.priority is not None and pod.spec.priority < cutoff


def is_waiting(pod: Any) -> bool:
    """Unschedulable, as the scheduler says; not what waits for the pods that it evicts: it has its node already."""
    if pod.spec.node_name or pod.status.nominated_node_name or pod.metadata.deletion_timestamp is not None:
        return False
    conditions = pod.status.conditions or []
    return any(c.type == "PodScheduled" and c.status == "False" and c.reason == "Unschedulable" for c in conditions)


def keeps_its_node(pod: Any) -> bool:
    """Whether a node that only has such pods besides DaemonSets' is needed."""
    owners = pod.metadata.owner_references or []
    if any(owner.kind == "DaemonSet" for owner in owners) or MIRROR_POD in (pod.metadata.annotations or {}):
        return False
    return pod.status.phase not in ("Succeeded", "Failed")


def _taints(node: Any) -> tuple[NodeTaint, ...]:
    return tuple(NodeTaint(t.key, t.value or "", t.effect) for t in node.spec.taints or [])


def _left(capacity: Amounts, taken: Iterable[ScheduledPod]) -> dict[str, float]:
    left = dict(capacity)
    for pod in taken:
        for name, amount in pod.requests.items():
            left[name] = left.get(name, 0.0) - amount
    return left


def group_value(group: PlatformNodeGroup, nodes: Sequence[Any], daemon_sets: Sequence[Any]) -> Group:
    """A group and its next node: like one that is ready, else as its type and its settings say (scale from zero).

    Of a group without a node it knows what the real one does: CPU, memory, pods and whole GPUs of the type, and tags.
    """
    sample = next((node for node in nodes if _group_of(node) == group.arn and _is_ready(node, group)), None)
    if sample is not None:
        labels, taints = dict(sample.metadata.labels), _without_leaving(_taints(sample))
        capacity = amounts(sample.status.allocatable)
    else:
        rendered = render_nodes(group.described, group.subnets, group.capacity, [0])[0]
        labels = {**rendered["metadata"]["labels"], **_tagged_labels(group)}
        taints = tuple(NodeTaint(t["key"], t["value"], t["effect"]) for t in rendered["spec"].get("taints", []))
        known = amounts(rendered["status"]["allocatable"])
        capacity = {name: known[name] for name in TEMPLATE_RESOURCES if name in known}
        capacity |= {GPU_RESOURCE: float(group.capacity.gpu_count), **_tagged_resources(group)}
    for key in OWN_LABELS:
        labels.pop(key, None)
    daemons = [asks(daemon_set.metadata.name, daemon_set.spec.template.spec) for daemon_set in daemon_sets]
    scaling = group.described["scalingConfig"]
    return Group(
        name=group.arn,
        minimum=scaling["minSize"],
        desired=scaling["desiredSize"],
        maximum=scaling["maxSize"],
        labels=labels,
        taints=taints,
        allocatable=_left(capacity, (daemon for daemon in daemons if daemon.may_stand_on(labels, taints))),
    )


def _tagged_resources(group: PlatformNodeGroup) -> dict[str, float]:
    """Resources of a node that is not there, beyond those of its instance type, as the group's tags say."""
    tags = group.described.get("tags") or {}
    return amounts({k.removeprefix(TEMPLATE_RESOURCE): tags[k] for k in tags if k.startswith(TEMPLATE_RESOURCE)})


def _tagged_labels(group: PlatformNodeGroup) -> dict[str, str]:
    """Labels that a node gets later, as the group's tags say (cluster-autoscaler, cloudprovider/aws/README.md)."""
    tags = group.described.get("tags") or {}
    return {key.removeprefix(TEMPLATE_LABEL): tags[key] for key in tags if key.startswith(TEMPLATE_LABEL)}


def node_values(
    nodes: Iterable[Any], pods: Iterable[Any], groups: Mapping[str, PlatformNodeGroup], values: Mapping[str, Group]
) -> list[ScaledNode]:
    """Nodes of these groups that are there, and those that were asked for and are not there yet."""
    on: dict[str, list[Any]] = {}
    for pod in pods:
        on.setdefault(pod.spec.node_name or pod.status.nominated_node_name or "", []).append(pod)
    scaled: list[ScaledNode] = []
    for node in nodes:
        arn, name = _group_of(node), node.metadata.name
        if arn not in groups or any(taint.key == LEAVING_TAINT for taint in _taints(node)):
            continue
        here = [pod for pod in on.get(name, []) if pod.status.phase not in ("Succeeded", "Failed")]
        ready = _is_ready(node, groups[arn])
        taken = [asks(pod.metadata.name, pod.spec) for pod in here]
        free = _left(amounts(node.status.allocatable), taken) if ready else dict(values[arn].allocatable)
        keeping = tuple(f"{p.metadata.namespace}/{p.metadata.name}" for p in here if keeps_its_node(p))
        labels = node.metadata.labels if ready else {**values[arn].labels, **node.metadata.labels}
        scaled.append(ScaledNode(name, arn, labels, _taints(node), free, ready, keeping))
    for arn, group in values.items():
        missing = group.desired - sum(node.group == arn for node in scaled)
        scaled += [
            ScaledNode(f"{arn} (coming {number})", arn, group.labels, group.taints, group.allocatable, ready=False)
            for number in range(missing)
        ]
    return scaled


def _group_of(node: Any) -> str:
    return str((node.metadata.annotations or {}).get(GROUP_ANNOTATION, ""))


def _is_ready(node: Any, group: PlatformNodeGroup) -> bool:
    """Ready, and with its GPU advertised: what the label k8s.amazonaws.com/accelerator makes the real one wait for."""
    if group.capacity.gpu_count and not amounts(node.status.allocatable).get(GPU_RESOURCE):
        return False
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or [])


def _without_leaving(taints: Iterable[NodeTaint]) -> tuple[NodeTaint, ...]:
    """A group's own taints; what one node has for a while is not its next node's."""
    return tuple(t for t in taints if t.key != LEAVING_TAINT and not t.key.startswith("node.kubernetes.io/"))
