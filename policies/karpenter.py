"""Rules for nodes that Karpenter buys, and how its two kinds say what launch templates and node groups say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planning.model import GPU_RESOURCE, POOL_LABEL
from policies.rule import UNKNOWN, Circumstances, Resource, Violation, at, listed

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
Found = Iterator[Violation]


def of_type(resources: Sequence[Resource], type_: str) -> list[Resource]:
    """The resources of a type."""
    return [resource for resource in resources if resource.type == type_]


def pool_name(node_pool: Resource) -> str:
    """The pool that its nodes are labelled with."""
    return str(at(node_pool.inputs, "spec.template.metadata.labels", {}).get(POOL_LABEL))


def capacity_types(node_pool: Resource) -> set[str]:
    """`SPOT` and `ON_DEMAND`, as node groups say it; without a requirement Karpenter may buy either."""
    for requirement in listed(at(node_pool.inputs, "spec.template.spec.requirements")):
        if requirement.get("key") == CAPACITY_TYPE and requirement.get("operator") == "In":
            return {"SPOT" if value == "spot" else "ON_DEMAND" for value in listed(requirement.get("values"))}
    return {"SPOT", "ON_DEMAND"}


def taints(node_pool: Resource) -> list[Mapping[str, Any]]:
    """Taints of its nodes, in Kubernetes' spelling."""
    return listed(at(node_pool.inputs, "spec.template.spec.taints"))


def unpinned_images(node_class: Resource) -> list[str]:
    """AMI terms that may find another image tomorrow."""
    terms = listed(at(node_class.inputs, "spec.amiSelectorTerms"))
    return [
        str(term.get("alias") or term.get("name") or term.get("tags"))
        for term in terms
        if UNKNOWN not in term.values() and not term.get("id") and not _is_release(str(term.get("alias", "")))
    ]


def _is_release(alias: str) -> bool:
    return "@" in alias and not alias.endswith("@latest")


def gpu_nodes_stay(resources: Sequence[Resource], _: Circumstances) -> Found:
    """A GPU node of Karpenter's that serves is never taken to save money, and its pods get their time to leave."""
    for pool in of_type(resources, NODE_POOL):
        gpu = GPU_RESOURCE in at(pool.inputs, "spec.limits", {}) or GPU_RESOURCE in {
            taint.get("key") for taint in taints(pool)
        }
        if not gpu:
            continue
        policy = at(pool.inputs, "spec.disruption.consolidationPolicy", "WhenEmptyOrUnderutilized")
        if policy not in ("WhenEmpty", UNKNOWN):
            yield Violation(pool, f"consolidationPolicy {policy}: it counts CPU and memory, and a busy GPU as nothing")
        if not at(pool.inputs, "spec.template.spec.terminationGracePeriod"):
            yield Violation(pool, "no terminationGracePeriod: a pod that will not leave keeps its GPU node forever")
        if not at(pool.inputs, "spec.limits"):
            yield Violation(pool, "no limits: a fault in a workload buys GPU nodes without end")
