"""PriorityClasses of model servers: one for all, and two more where tenants ask for them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments
from planning.model import OWN_LABELS, PRIORITY_CLASSES, STACK_LABEL, STANDARD

# By the priority of the plan. Above ordinary pods (0), far below the system classes (2,000,000,000 and more).
PRIORITIES = {"critical": 200_000, STANDARD: 100_000, "batch": 50_000}
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
            "name": PRIORITY_CLASSES[priority],
            "labels": {**OWN_LABELS, STACK_LABEL: stack},
        },
        "value": PRIORITIES[priority],
        "globalDefault": False,
        "preemptionPolicy": "Never" if priority == "batch" else "PreemptLowerPriority",
        "description": DESCRIPTIONS[priority],
    }


@dataclass(frozen=True)
class ModelPriorityClassArgs:
    """`stack`: whose class it is. `priority`: of the plan, a key of PRIORITY_CLASSES."""

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
