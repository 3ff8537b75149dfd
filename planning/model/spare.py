"""Nodes that are kept free for the next replicas. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.cloud import TaintPlan
from planning.model.namespaces import NamespaceOwner, PodSecurity
from planning.model.pods import PodResources

# No setting names it: nothing but placeholders lives there.
SPARE_OWNER = NamespaceOwner(
    "spare nodes", PodSecurity.RESTRICTED, "placeholder pods need nothing of the node but its GPUs", "spare-nodes"
)
SPARE_PRIORITY_CLASS = "vllm-spare-node"
SPARE_PRIORITY = -10
"""Below every other pod. For less the cluster-autoscaler buys none: its --expendable-pods-priority-cutoff is -10, and
what is below that is expendable (cluster-autoscaler/FAQ.md, "How does Cluster Autoscaler work with Pod Priority")."""


@dataclass(frozen=True)
class SpareNodesPlan:
    """The placeholder pods of one pool: each holds all GPUs of a node until a pod of higher priority needs them."""

    pool: str
    nodes: int
    """One placeholder each."""
    image: str
    containers: tuple[PodResources, ...]
    """What each container of a placeholder asks for; the sum of their GPUs is what a node advertises."""
    pulls: PodResources
    """Of a container that has an image pulled, and ends."""
    model_images: tuple[str, ...]
    """Servers' images that a placeholder has its node pull, each once."""
    node_selector: dict[str, str]
    taints: tuple[TaintPlan, ...]
    """Of the pool's nodes; tolerated."""
    pull_secrets: tuple[str, ...] = ()
