"""`GpuNodeGroup`: a node group whose nodes have GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pulumi

from components.aws.node_group import NodeGroup, NodeGroupArgs
from planning.model import GPU_RESOURCE


@dataclass(frozen=True)
class GpuNodeGroupArgs(NodeGroupArgs):
    """As `NodeGroupArgs`; refuses a plan that would buy GPUs which no pod finds, or every pod takes."""

    def __post_init__(self) -> None:
        plan = self.plan
        if plan.gpu is None or "NVIDIA" not in plan.ami_type:
            raise ValueError(f"node group {plan.name}: gpu {plan.gpu}, AMI type {plan.ami_type} is no GPU node group")
        missing = {"accelerator", "gpu-type"} - plan.labels.keys()
        if missing:
            raise ValueError(f"GPU node group {plan.name} lacks the labels {', '.join(sorted(missing))}")
        if GPU_RESOURCE not in {taint.key for taint in plan.taints}:
            raise ValueError(f"GPU node group {plan.name} lacks the taint {GPU_RESOURCE}: any pod could land there")


class GpuNodeGroup(NodeGroup):
    """GPU nodes: NVIDIA AMI, labels to find them by, a taint that keeps other pods away."""

    token: ClassVar[str] = "vllm-on-eks:index:GpuNodeGroup"

    def __init__(self, name: str, args: GpuNodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
