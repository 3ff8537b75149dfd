"""`Karpenter`: the controller that buys nodes for pods, with its role, its queue and its two releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.aws.pod_identity import ServiceAccount, pod_identity
from components.cluster.karpenter import policies
from components.cluster.karpenter.interruptions import Interruptions, InterruptionsArgs
from components.cluster.network_policies import karpenter_policy, register_policies
from components.helm import release_arguments
from components.tags import named
from planning.model import KarpenterPlan, Tags
from planning.versions.pins import mirrored

RELEASE, CRD_RELEASE = "karpenter", "karpenter-crd"
SERVICE_ACCOUNT = "karpenter"
IMAGE_REPOSITORY = "public.ecr.aws/karpenter/controller"
# Of a cluster of some dozens of nodes. The chart sets none and recommends 1 CPU and 1 GiB for any; CPU is what it takes
# at start only, and memory is a limit that ends it where it is too low.
CPU, MEMORY = "200m", "1Gi"


def karpenter_values(plan: KarpenterPlan, queue_name: pulumi.Input[str]) -> dict[str, Any]:
    """Values of chart karpenter; only what differs from its defaults or must not move with them."""
    image = {"image": {"repository": mirrored(IMAGE_REPOSITORY, plan.mirror)}} if plan.mirror else {}
    return {
        "fullnameOverride": RELEASE,
        "replicas": plan.replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "nodeSelector": plan.node_selector,
        # By default a second replica waits for a node in another zone, and the release with it.
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "controller": {
            **image,
            # Pods do not reach the metadata service, which would tell the region.
            "env": [{"name": "AWS_REGION", "value": plan.region}],
            "resources": {"requests": {"cpu": CPU, "memory": MEMORY}, "limits": {"memory": MEMORY}},
        },
        "settings": {
            "clusterName": plan.cluster_name,
            "eksControlPlane": True,
            "interruptionQueue": queue_name,
            # What moves pods that serve from one node to another, to save money or to repair, stays off.
            "featureGates": {
                "reservedCapacity": True,
                "spotToSpotConsolidation": False,
                "nodeRepair": False,
                **({"nodeOverlay": True} if plan.overlays else {}),
            },
        },
        "serviceMonitor": _monitor(plan),
    }


def _monitor(plan: KarpenterPlan) -> dict[str, Any]:
    if plan.monitoring_namespace is None:
        return {"enabled": False}
    labels = {"additionalLabels": plan.network.monitor_labels} if plan.network.monitor_labels else {}
    return {"enabled": True, "endpointConfig": {"interval": f"{plan.scrape_interval_seconds}s"}, **labels}


@dataclass(frozen=True)
class KarpenterArgs:
    """`cluster_name`: of a cluster that is there. `node_role_arn`: the role of its nodes, Karpenter's too; EKS lets it
    in since the system nodes came. `after`: what brings the kind ServiceMonitor.
    """

    plan: KarpenterPlan
    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    tags: Tags
    after: tuple[pulumi.Resource, ...] = ()


class Karpenter(pulumi.ComponentResource):
    """`release`: while it is there, nodes come, and go when their pool goes. `instance_profile`: of its nodes."""

    release: pulumi.Resource
    instance_profile: pulumi.Output[str]

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Karpenter", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        interruptions = Interruptions(f"{name}-interruptions", InterruptionsArgs(args.tags), child)
        profile = aws.iam.InstanceProfile(
            f"{name}-node-profile",
            role=pulumi.Output.from_input(args.node_role_arn).apply(lambda arn: arn.rsplit("/", 1)[-1]),
            tags=named(args.tags, f"{name}-node-profile"),
            opts=child,
        )
        identity = self._identity(name, args, profile, interruptions.queue_arn)
        closed = register_policies(name, [karpenter_policy(plan, RELEASE)], None, child)
        definitions = k8s.helm.v3.Release(
            f"{name}-crd-release",
            **release_arguments(plan.crd_chart, CRD_RELEASE, plan.timeout_seconds),
            namespace=plan.namespace,
            opts=child,
        )
        self.instance_profile = profile.name
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=plan.namespace,
            values=karpenter_values(plan, interruptions.queue_name),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: a pod gets its identity when it is made, and the program ends without its kinds. A
                # destroy takes the controller before its rights: until then it ends the nodes of pools that go.
                depends_on=[*identity, *interruptions.ready, *closed, definitions, *args.after],
            ),
        )
        self.register_outputs({"instanceProfile": self.instance_profile})

    def _identity(
        self, name: str, args: KarpenterArgs, profile: aws.iam.InstanceProfile, queue_arn: pulumi.Output[str]
    ) -> list[pulumi.Resource]:
        """The role for this one service account, with what it may do."""
        plan = args.plan
        place = policies.AccountPlace(plan.partition, plan.region, plan.cluster_name, plan.spot)
        passing = pulumi.Output.all(args.node_role_arn, profile.arn, queue_arn).apply(
            lambda arns: policies.passing(place, *arns)
        )
        documents: dict[str, pulumi.Input[str]] = {
            "launching": policies.launching(place),
            "looking": policies.looking(place),
            "passing": passing,
        }
        return pod_identity(
            name,
            ServiceAccount(args.cluster_name, plan.namespace, SERVICE_ACCOUNT),
            f"Karpenter of EKS cluster {plan.cluster_name}",
            lambda _: documents,
            args.tags,
            self,
        )
