"""Rules for what runs in the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planning.model import POOL_LABEL, SERVICE_SCHEMES
from policies.ingress import ranges_of, said_internal
from policies.rule import (
    LASTING,
    SECRET,
    UNKNOWN,
    Circumstances,
    Resource,
    Violation,
    at,
    containers_of,
    listed,
    pod_of,
)
from settings.addresses import opened
from settings.secrets import SECRET_NAMES, secret_kind

# Taint effects in EKS' spelling and in Kubernetes'; PreferNoSchedule keeps no pod away.
BLOCKING_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "NoSchedule": "NoSchedule",
    "NoExecute": "NoExecute",
}
Found = Iterator[Violation]


def taints_tolerated(resources: Sequence[Resource], _: Circumstances) -> Found:
    """A pod that names a pool tolerates the taints of that pool's nodes."""
    pools: dict[str, list[tuple[Resource, Any]]] = {}
    for group in resources:
        if group.type == "aws:eks/nodeGroup:NodeGroup":
            pool, taints = at(group.inputs, "labels", {}).get(POOL_LABEL), group.inputs.get("taints")
        elif group.type == "kubernetes:karpenter.sh/v1:NodePool":
            pool = at(group.inputs, "spec.template.metadata.labels", {}).get(POOL_LABEL)
            taints = at(group.inputs, "spec.template.spec.taints")
        else:
            continue
        pools.setdefault(str(pool), []).append((group, taints))
    for workload in resources:
        pod = pod_of(workload) or {}
        for group, taints in pools.get(str(at(pod, "nodeSelector", {}).get(POOL_LABEL)), []):
            for taint in listed(taints):
                effect = BLOCKING_EFFECTS.get(str(taint.get("effect")))
                if effect and not any(
                    _tolerates(toleration, taint, effect) for toleration in listed(pod.get("tolerations"))
                ):
                    taint_text = f"{taint.get('key')}={taint.get('value', '')}:{effect}"
                    yield Violation(workload, f"does not tolerate {taint_text} of {group.name}, the nodes it asks for")


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any], effect: str) -> bool:
    if toleration.get("effect") not in (None, "", effect):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return toleration.get("key") == taint.get("key") and toleration.get("value", "") == taint.get("value", "")


def _images(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    for workload in resources:
        for container in containers_of(pod_of(workload) or {}):
            image = str(container.get("image", ""))
            if image != UNKNOWN:
                yield workload, image


def images_pinned(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Every image has a tag that is not `latest`, or a digest."""
    for workload, image in _images(resources):
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest", "nightly", "main"):
            yield Violation(workload, f"image {image or '(none)'} is whatever was pushed last")


def images_have_digests(resources: Sequence[Resource], circumstances: Circumstances) -> Found:
    """In production an image is named by its digest."""
    if circumstances.production:
        for workload, image in dict.fromkeys(_images(resources)):
            if "@sha256:" not in image:
                yield Violation(workload, f"image {image} has no digest")


def limits_present(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Every container bounds what it may take of its node; CPU only asks, since a CPU limit throttles."""
    for workload in resources:
        for container in containers_of(pod_of(workload) or {}):
            have, asked = at(container, "resources.limits", {}), at(container, "resources.requests", {})
            missing = [f"limits.{name}" for name in ("memory", "ephemeral-storage") if name not in have]
            missing += [f"requests.{name}" for name in ("cpu", "memory") if name not in asked]
            if missing:
                yield Violation(workload, f"container {container.get('name')} has no {', '.join(missing)}")


def disruption_budgets(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Every Deployment has a disruption budget that selects its pods."""
    budgets = [resource for resource in resources if resource.in_kubernetes and resource.kind == "PodDisruptionBudget"]
    for workload in resources:
        if not workload.in_kubernetes or workload.kind not in LASTING:
            continue
        labels = at(workload.inputs, LASTING[workload.kind], {})
        namespace = at(workload.inputs, "metadata.namespace")
        if not any(_selects(budget, labels, namespace) for budget in budgets):
            yield Violation(workload, "no PodDisruptionBudget selects its pods")


def _selects(budget: Resource, labels: Mapping[str, Any], namespace: Any) -> bool:
    selector = at(budget.inputs, "spec.selector.matchLabels", {})
    return (
        bool(selector)
        and at(budget.inputs, "metadata.namespace") == namespace
        and all(labels.get(key) == value for key, value in selector.items())
    )


def load_balancers_closed(resources: Sequence[Resource], _: Circumstances) -> Found:
    """A load balancer is internal or names who may reach it."""
    for resource in resources:
        if resource.type == "kubernetes:core/v1:Service" and at(resource.inputs, "spec.type") == "LoadBalancer":
            ranges = listed(at(resource.inputs, "spec.loadBalancerSourceRanges"))
            internal = _internal(at(resource.inputs, "metadata.annotations"))
            if not internal and (what := _opened(ranges)):
                yield Violation(resource, f"a load balancer that {what} reaches")
        elif resource.in_kubernetes and resource.kind == "Ingress" and not said_internal(resource):
            what = _opened(ranges_of(resource, resources))
            if what:
                yield Violation(resource, f"an ingress that {what} reaches")


def gateways_closed(resources: Sequence[Resource], _: Circumstances) -> Found:
    """A Gateway's load balancer is internal or names who may reach it; its listeners and every Ingress speak HTTPS."""
    for resource in resources:
        if resource.in_kubernetes and resource.kind == "Ingress" and not at(resource.inputs, "spec.tls"):
            yield Violation(resource, "an ingress without TLS: keys in the open")
        if not resource.type.startswith("kubernetes:gateway.networking.k8s.io/") or resource.kind != "Gateway":
            continue
        annotations = at(resource.inputs, "spec.infrastructure.annotations", {})
        ranges = str(annotations.get("service.beta.kubernetes.io/load-balancer-source-ranges", ""))
        if not _internal(annotations) and (what := _opened([text for text in ranges.split(",") if text.strip()])):
            yield Violation(resource, f"a gateway that {what} reaches")
        for listener in listed(at(resource.inputs, "spec.listeners")):
            if at(listener, "protocol") not in ("HTTPS", "TLS"):
                yield Violation(
                    resource, f"listener {at(listener, 'name')} takes {at(listener, 'protocol')}: keys in the open"
                )


def _opened(ranges: Sequence[str]) -> str | None:
    """No list at all admits every source."""
    return opened(ranges) if ranges else "the whole internet"


def _internal(annotations: Any) -> bool:
    """Of a Service's load balancer: the first key that is there decides, as for AWS Load Balancer Controller."""
    written = annotations if isinstance(annotations, Mapping) else {}
    return next((written[key] == value for key, value in SERVICE_SCHEMES.items() if key in written), False)


def no_plain_secrets(resources: Sequence[Resource], circumstances: Circumstances) -> Found:
    """No input holds a credential in the open. What was found is not repeated, only where."""
    for resource in resources:
        secret = resource.type == "kubernetes:core/v1:Secret"
        for path, value in _texts(resource.inputs):
            data = secret and path.split(".")[0] in ("data", "stringData")
            if data and not circumstances.secrets_marked:
                continue
            if secret_kind(value):
                yield Violation(resource, f"{path} looks like a credential and is not marked secret")
            elif data and value not in (SECRET, UNKNOWN) and SECRET_NAMES.search(path.partition(".")[2]):
                yield Violation(resource, f"{path} of a Secret is not marked secret")
        for container in containers_of(pod_of(resource) or {}):
            for variable in listed(container.get("env")):
                name, value = str(variable.get("name")), variable.get("value")
                if SECRET_NAMES.search(name) and value and value not in (SECRET, UNKNOWN):
                    yield Violation(resource, f"container {container.get('name')} is given {name} as plain text")


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
