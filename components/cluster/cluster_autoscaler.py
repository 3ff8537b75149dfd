"""`ClusterAutoscaler`: the cluster-autoscaler's release and the AWS role of its pod. What it is told is planning's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.aws import iam
from components.aws.pod_identity import ServiceAccount, pod_identity
from components.cluster.network_policies import cluster_autoscaler_policy, register_policies
from components.helm import release_arguments
from components.security import non_root_pod, restricted_container
from planning.cluster.autoscaler import image_tag
from planning.model import ClusterAutoscalerPlan, Tags
from planning.versions.pins import mirrored

RELEASE = "cluster-autoscaler"
SERVICE_ACCOUNT = "cluster-autoscaler"
IMAGE_REPOSITORY = "registry.k8s.io/autoscaling/cluster-autoscaler"
# Of a cluster of some dozens of nodes; memory grows with pods and nodes, and a limit below its need ends it again and
# again. https://github.com/kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/examples, 100m and 600Mi.
CPU, MEMORY = "100m", "600Mi"


def cluster_autoscaler_values(
    plan: ClusterAutoscalerPlan, cluster_version: pulumi.Input[str] | None = None
) -> dict[str, Any]:
    """Values of chart cluster-autoscaler; only what differs from its defaults or must not move with them.

    `cluster_version`: as EKS tells it, for a plan that does not know it. Raises ValueError where it is needed.
    """
    tag: pulumi.Input[str] | None = plan.image_tag
    if tag is None:
        if cluster_version is None:
            raise ValueError(f"cluster {plan.cluster_name}: the autoscaler's image follows its version, and it is None")
        tag = pulumi.Output.from_input(cluster_version).apply(image_tag)
    return {
        "fullnameOverride": RELEASE,
        "awsRegion": plan.region,
        # EKS gives the Auto Scaling groups of managed node groups both tags that the chart looks for.
        "autoDiscovery": {"clusterName": plan.cluster_name},
        "rbac": {"serviceAccount": {"name": SERVICE_ACCOUNT}},
        "image": {"repository": mirrored(IMAGE_REPOSITORY, plan.mirror), "tag": tag},
        # One: a second would only wait for the lease. Its class moves it to another node before all else; a pod that
        # waits for a node for minutes anyway waits some seconds more.
        "replicaCount": 1,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": plan.node_selector,
        "extraArgs": plan.arguments,
        "resources": {"requests": {"cpu": CPU, "memory": MEMORY}, "limits": {"memory": MEMORY}},
        "securityContext": non_root_pod(),
        "containerSecurityContext": restricted_container(),
        "serviceMonitor": _monitor(plan),
    }


def _monitor(plan: ClusterAutoscalerPlan) -> dict[str, Any]:
    if plan.monitoring_namespace is None:
        return {"enabled": False}
    interval = f"{plan.scrape_interval_seconds}s"
    # The chart calls the monitor's labels a selector; its own default is another release's.
    labels = {"selector": plan.network.monitor_labels} if plan.network.monitor_labels else {}
    return {"enabled": True, "namespace": plan.monitoring_namespace, "interval": interval, **labels}


@dataclass(frozen=True)
class ClusterAutoscalerArgs:
    """`cluster_name`, `cluster_version`: of a cluster that is there. `node_groups`: those that it scales; `after`: what
    brings the kind ServiceMonitor.
    """

    plan: ClusterAutoscalerPlan
    cluster_name: pulumi.Input[str]
    tags: Tags
    node_groups: tuple[pulumi.Resource, ...] = ()
    after: tuple[pulumi.Resource, ...] = ()
    cluster_version: pulumi.Input[str] | None = None


class ClusterAutoscaler(pulumi.ComponentResource):
    """Role, pod identity and release. `release` is what pods wait for that need nodes to come."""

    release: pulumi.Resource

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ClusterAutoscaler", name, None, opts)
        plan = args.plan
        identity = self._identity(name, args)
        child = pulumi.ResourceOptions(parent=self)
        closed = register_policies(name, [cluster_autoscaler_policy(plan, RELEASE)], None, child)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=plan.namespace,
            values=cluster_autoscaler_values(plan, args.cluster_version),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: a pod gets its identity when it is made, so the association is first. The release
                # holds a ServiceMonitor. And a destroy takes the autoscaler away before the groups that it would
                # go on to scale, as it takes the models before the autoscaler.
                depends_on=[*identity, *closed, *args.node_groups, *args.after],
            ),
        )
        self.register_outputs({})

    def _identity(self, name: str, args: ClusterAutoscalerArgs) -> list[pulumi.Resource]:
        plan = args.plan
        document = iam.cluster_autoscaler_policy(plan.cluster_name, plan.node_groups_arn)
        return pod_identity(
            name,
            ServiceAccount(args.cluster_name, plan.namespace, SERVICE_ACCOUNT),
            f"cluster-autoscaler of EKS cluster {plan.cluster_name}",
            lambda _: {"policy": document},
            args.tags,
            self,
        )
