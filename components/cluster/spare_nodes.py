"""`SpareNodes`: pods that hold nodes free until a model's pod evicts them. How many and how large is planning's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.namespace import owned_namespace
from components.cluster.network_policies import default_deny
from components.images import pull_policy, pull_secrets
from components.manifest import Manifest, arguments, labels, selector
from components.pods import HOSTNAME, quantities
from components.security import non_root_pod, restricted_container
from components.tolerations import tolerations
from planning.model import (
    OWN_LABELS,
    SPARE_OWNER,
    SPARE_PRIORITY,
    SPARE_PRIORITY_CLASS,
    STACK_LABEL,
    PodResources,
    SpareNodesPlan,
)

APP, COMPONENT = "spare-node", "placeholder"
NAMESPACE = SPARE_OWNER.usual


def spare_priority_class(stack: str) -> Manifest:
    """Below every other pod's, and evicts none; no pod has it by default."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": SPARE_PRIORITY_CLASS, "labels": {**OWN_LABELS, STACK_LABEL: stack}},
        "value": SPARE_PRIORITY,
        "globalDefault": False,
        "preemptionPolicy": "Never",
        "description": "placeholders on spare GPU nodes: leave at once for any other pod, and evict nothing",
    }


def placeholders(plan: SpareNodesPlan) -> Manifest:
    """The Deployment of one pool."""
    own = labels(APP, plan.pool, COMPONENT)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": plan.pool,
            "namespace": NAMESPACE,
            "labels": own,
            # A node takes minutes to come, and none comes for it at maxNodes: no `up` waits for a placeholder.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "replicas": plan.nodes,
            "revisionHistoryLimit": 1,
            "selector": {"matchLabels": selector(APP, plan.pool, COMPONENT)},
            # A rolling update would start a further placeholder beside the old one, and so buy a node.
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": own}, "spec": _pod(plan)},
        },
    }


def _pod(plan: SpareNodesPlan) -> dict[str, Any]:
    return {
        "priorityClassName": SPARE_PRIORITY_CLASS,
        # The pod that evicts it is bound when it has gone.
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **pull_secrets(plan.pull_secrets),
        "nodeSelector": plan.node_selector,
        "tolerations": tolerations(plan.taints),
        # All GPUs of a node keep two apart as well; this says it to who reads it, and to scanners.
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"labelSelector": {"matchLabels": selector(APP, plan.pool, COMPONENT)}, "topologyKey": HOSTNAME}
                ]
            }
        },
        "securityContext": non_root_pod(),
        **_pulled(plan),
        "containers": [
            _container(f"hold-{index}", plan.image, resources) for index, resources in enumerate(plan.containers)
        ],
    }


def _pulled(plan: SpareNodesPlan) -> dict[str, Any]:
    """So the next replica finds its image on the node: it is pulled, and nothing of it runs."""
    images = enumerate(plan.model_images)
    pulls = [_container(f"pull-{index}", image, plan.pulls, ["/bin/true"]) for index, image in images]
    return {"initContainers": pulls} if pulls else {}


def _container(name: str, image: str, resources: PodResources, command: list[str] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": pull_policy(image),
        **({"command": command} if command else {}),
        "resources": quantities(resources),
        "securityContext": restricted_container(),
    }


def placeholder_budget(plan: SpareNodesPlan) -> Manifest:
    """None of them keeps a node from being drained."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": plan.pool, "namespace": NAMESPACE, "labels": labels(APP, plan.pool, COMPONENT)},
        "spec": {"maxUnavailable": "100%", "selector": {"matchLabels": selector(APP, plan.pool, COMPONENT)}},
    }


@dataclass(frozen=True)
class SpareNodesArgs:
    """`after`: by pool, what makes nodes with usable GPUs come for pods."""

    plans: tuple[SpareNodesPlan, ...]
    stack: str
    after: Mapping[str, tuple[pulumi.Resource, ...]]


class SpareNodes(pulumi.ComponentResource):
    """Priority class, closed namespace, and the placeholders of each pool that has spare nodes."""

    def __init__(self, name: str, args: SpareNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:SpareNodes", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        priority = k8s.scheduling.v1.PriorityClass(
            f"{name}-class", **arguments(spare_priority_class(args.stack)), opts=child
        )
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", **arguments(owned_namespace(NAMESPACE, SPARE_OWNER)), opts=child
        )
        inside = namespace.metadata["name"]
        closed = k8s.networking.v1.NetworkPolicy(
            f"{name}-default-deny", **arguments(default_deny(NAMESPACE), inside), opts=child
        )
        for plan in args.plans:
            k8s.policy.v1.PodDisruptionBudget(
                f"{name}-{plan.pool}-pdb", **arguments(placeholder_budget(plan), inside), opts=child
            )
            k8s.apps.v1.Deployment(
                f"{name}-{plan.pool}",
                **arguments(placeholders(plan), inside),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # Hidden ordering: no pod of an unknown class is admitted. And a destroy takes placeholders away
                    # before the pools, which would go on to buy nodes for them.
                    depends_on=[priority, closed, *args.after.get(plan.pool, ())],
                ),
            )
        self.register_outputs({})
