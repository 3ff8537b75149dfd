"""One PriorityClass for all model servers."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import COMMON_LABELS, Manifest, arguments

# Above ordinary pods (0), far below the system classes (2,000,000,000 and more).
MODEL_PRIORITY = 100_000


def priority_class(class_name: str) -> Manifest:
    """The class of model servers: ordinary pods on a GPU node make room for them, they never evict each other."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {
            "name": class_name,
            "labels": dict(COMMON_LABELS),
        },
        "value": MODEL_PRIORITY,
        "globalDefault": False,
        "preemptionPolicy": "PreemptLowerPriority",
        "description": "vLLM model servers: before batch work, after system pods",
    }


@dataclass(frozen=True)
class ModelPriorityClassArgs:
    """`class_name`: the cluster-wide name."""

    class_name: str = "vllm-model"


class ModelPriorityClass(pulumi.ComponentResource):
    """The PriorityClass that every model of the stack uses."""

    class_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ModelPriorityClassArgs | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("vllm-on-eks:index:ModelPriorityClass", name, None, opts)
        args = args or ModelPriorityClassArgs()
        made = k8s.scheduling.v1.PriorityClass(
            f"{name}-class",
            **arguments(priority_class(args.class_name)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.class_name = made.metadata["name"]
        self.register_outputs({"class_name": self.class_name})
