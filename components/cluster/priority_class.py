"""PriorityClasses of model servers: one for all, and two more where tenants ask for them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import COMMON_LABELS, Manifest, arguments
from planning.model import STANDARD

# By the priority of the plan. Above ordinary pods (0), far below the system classes (2,000,000,000 and more).
CLASS_NAMES = {"critical": "vllm-critical", STANDARD: "vllm-model", "batch": "vllm-batch"}
PRIORITIES = {"critical": 200_000, STANDARD: 100_000, "batch": 50_000}
# Tells stacks in one cluster apart: the pre-flight reads it (preflight/questions/taken.py).
STACK_LABEL = "vllm-on-eks/stack"
DESCRIPTIONS = {
    "critical": "models of critical tenants: before all others, after system pods",
    STANDARD: "vLLM model servers: before batch work, after system pods",
    "batch": "models of batch tenants: leave when another model needs the GPU, and evict nothing",
}


def priority_class(priority: str, stack: str) -> Manifest:
    """The class of model servers of a priority: those below make room for it, equal ones never evict each other."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {
            "name": CLASS_NAMES[priority],
            "labels": {**COMMON_LABELS, STACK_LABEL: stack},
        },
        "value": PRIORITIES[priority],
        "globalDefault": False,
        "preemptionPolicy": "Never" if priority == "batch" else "PreemptLowerPriority",
        "description": DESCRIPTIONS[priority],
    }


@dataclass(frozen=True)
class ModelPriorityClassArgs:
    """`stack`: whose class it is. `priority`: of the plan, a key of CLASS_NAMES."""

    stack: str
    priority: str = STANDARD


class ModelPriorityClass(pulumi.ComponentResource):
    """The PriorityClass of the models of one priority."""

    class_name: pulumi.Output[str]

    def __init__(self, name: str, args: ModelPriorityClassArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ModelPriorityClass", name, None, opts)
        made = k8s.scheduling.v1.PriorityClass(
            f"{name}-class",
            **arguments(priority_class(args.priority, args.stack)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.class_name = made.metadata["name"]
        self.register_outputs({"className": self.class_name})
