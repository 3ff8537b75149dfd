"""`VllmAutoscaler`: the HorizontalPodAutoscaler of one model, and so the owner of its replicas."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import arguments
from components.serving.manifests.service import horizontal_pod_autoscaler
from planning.model import ServedModel


@dataclass(frozen=True)
class VllmAutoscalerArgs:
    """`deployment_name`: the Deployment's own output, so that it exists first."""

    model: ServedModel
    namespace: pulumi.Input[str]
    deployment_name: pulumi.Input[str]


class VllmAutoscaler(pulumi.ComponentResource):
    """Scales on requests waiting per pod. Below `minReplicas` it acts even while the metric is missing."""

    def __init__(self, name: str, args: VllmAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:VllmAutoscaler", name, None, opts)
        manifest = horizontal_pod_autoscaler(args.model)
        target = {**manifest["spec"]["scaleTargetRef"], "name": args.deployment_name}
        manifest["spec"] = {**manifest["spec"], "scaleTargetRef": target}
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-hpa",
            **arguments(manifest, args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
