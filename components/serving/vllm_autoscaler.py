"""`VllmAutoscaler`: what owns the replicas of one model: an HPA, KEDA, or the Deployment itself."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments, custom_resource
from components.serving.manifests.scaling import horizontal_pod_autoscaler, recording_rules, scaled_object
from planning.model import ScalerKind, ServedModel


@dataclass(frozen=True)
class VllmAutoscalerArgs:
    """`deployment_name`: the Deployment's own output, so that it exists first.

    `prometheus_url`: with port, needed for KEDA. `rules_after`, `keda_after`: what brings the kinds PrometheusRule
    and ScaledObject.
    """

    model: ServedModel
    namespace: pulumi.Input[str]
    deployment_name: pulumi.Input[str]
    prometheus_url: pulumi.Input[str] | None = None
    rules_after: tuple[pulumi.Resource, ...] = ()
    keda_after: tuple[pulumi.Resource, ...] = ()


class VllmAutoscaler(pulumi.ComponentResource):
    """Recording rules of the model, and its HPA or ScaledObject.

    Below `minReplicas` an HPA acts even while its metrics are missing; above it holds what there is.
    """

    def __init__(self, name: str, args: VllmAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:VllmAutoscaler", name, None, opts)
        plan = args.model.autoscaling
        if plan.recordings:
            self._custom(f"{name}-demand", recording_rules(args.model), args, args.rules_after)
        if plan.kind is ScalerKind.HPA:
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-hpa",
                **arguments(_aimed(horizontal_pod_autoscaler(args.model), args), args.namespace),
                opts=pulumi.ResourceOptions(parent=self),
            )
        elif plan.kind is ScalerKind.KEDA:
            if args.prometheus_url is None:
                raise ValueError(f"{name}: KEDA asks Prometheus, so VllmAutoscalerArgs needs prometheus_url")
            manifest = scaled_object(args.model, args.prometheus_url)
            self._custom(f"{name}-scaled-object", _aimed(manifest, args), args, args.keda_after)
        self.register_outputs({})

    def _custom(
        self, name: str, manifest: Manifest, args: VllmAutoscalerArgs, after: tuple[pulumi.Resource, ...]
    ) -> None:
        custom_resource(
            name,
            manifest,
            namespace=args.namespace,
            # Hidden ordering: the kind exists only once a release has brought its CRD.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def _aimed(manifest: Manifest, args: VllmAutoscalerArgs) -> Manifest:
    """The manifest with the Deployment's own output in place of its name."""
    target = {**manifest["spec"]["scaleTargetRef"], "name": args.deployment_name}
    return {**manifest, "spec": {**manifest["spec"], "scaleTargetRef": target}}
