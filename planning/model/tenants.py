"""Teams that share a stack. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

STANDARD = "standard"
# PriorityClasses by priority. They are the cluster's: the label tells stacks apart, the pre-flight reads it.
PRIORITY_CLASSES = {"critical": "vllm-critical", STANDARD: "vllm-model", "batch": "vllm-batch"}
STACK_LABEL = "vllm-on-eks/stack"


@dataclass(frozen=True)
class TenantPlan:
    """A team's namespace with its limits."""

    name: str
    namespace: str
    groups: tuple[str, ...]
    access: str
    """view or operate."""
    priority: str
    """critical, standard or batch, of every pod in the namespace."""
    quota: tuple[tuple[str, str], ...]
    """Hard limits by the name of ResourceQuota (`requests.nvidia.com/gpu`, `pods`)."""
