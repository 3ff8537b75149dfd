"""`LoadBalancerController`: AWS Load Balancer Controller with its role, in a stack whose gateway it serves
(docs/adr/0046)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.aws.load_balancer_rights import ClusterPlace, load_balancer_policy
from components.aws.pod_identity import ServiceAccount, pod_identity
from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import (
    default_deny,
    from_api_server,
    from_prometheus,
    network_policy,
    register_policies,
    to_aws,
    within,
)
from components.helm import release_arguments
from components.manifest import Manifest, arguments
from components.scraping import service_monitor_values
from components.security import non_root_pod, restricted_container
from planning.model import LoadBalancerControllerPlan, Tags
from planning.versions.pins import mirrored

RELEASE = "aws-load-balancer-controller"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
IMAGE_REPOSITORY = "public.ecr.aws/eks/aws-load-balancer-controller"
# The chart sets none. Estimate for some dozens of load balancers; it caches Services, Ingresses, pods and nodes.
CPU, MEMORY, MOST_MEMORY = "50m", "128Mi", "512Mi"
# Of its image, distroless; the group that reads the certificate of its webhooks is the chart's.
USER_ID, FILES_GROUP = 65532, 65534
WEBHOOK, METRICS = 9443, 8080


def load_balancer_controller_values(plan: LoadBalancerControllerPlan, vpc_id: pulumi.Input[str]) -> dict[str, Any]:
    """Values of chart aws-load-balancer-controller; only what differs from its defaults or must not move with them."""
    values: dict[str, Any] = {
        "fullnameOverride": RELEASE,
        "replicaCount": plan.replicas,
        "podDisruptionBudget": {"maxUnavailable": 1},
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "clusterName": plan.cluster_name,
        # Pods do not reach the metadata service, which would tell both.
        "region": plan.region,
        "vpcId": vpc_id,
        "ingressClass": plan.ingress_class,
        "defaultTargetType": "ip",
        "defaultTags": dict(plan.tags),
        # While its pods are away, no Service of the cluster could be made: ours names its class instead.
        "enableServiceMutatorWebhook": False,
        "webhookConfig": {
            "ingressValidationNamespaceSelector": {
                "matchLabels": {"kubernetes.io/metadata.name": plan.gateway_namespace}
            }
        },
        # Else an upgrade makes another authority, whose certificates the pods that are there do not show.
        "keepTLSSecret": True,
        # Not ours to set, and its role has no rights for them.
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "controllerConfig": {"featureGates": {"ALBGatewayAPI": False, "NLBGatewayAPI": False}},
        "podSecurityContext": {**non_root_pod(USER_ID, USER_ID), "fsGroup": FILES_GROUP},
        "securityContext": restricted_container(USER_ID, USER_ID),
        "resources": {"requests": {"cpu": CPU, "memory": MEMORY}, "limits": {"memory": MOST_MEMORY}},
        "serviceMonitor": service_monitor_values(plan.network, plan.scrape_interval_seconds),
    }
    if plan.mirror:
        values["image"] = {"repository": mirrored(IMAGE_REPOSITORY, plan.mirror)}
    return values


def load_balancer_policies(plan: LoadBalancerControllerPlan) -> list[Manifest]:
    """The API server asks its webhooks; it asks the API server, EC2 and ELB."""
    namespace, network = plan.namespace, plan.network
    return [
        default_deny(namespace),
        within(namespace, network),
        from_api_server(namespace, network, WEBHOOK),
        network_policy("aws", namespace, {}, ingress=from_prometheus(network, METRICS), egress=to_aws()),
    ]


@dataclass(frozen=True)
class LoadBalancerControllerArgs:
    """`cluster_name`, `vpc_id`: of a cluster that is there. `after`: what brings the kind ServiceMonitor."""

    plan: LoadBalancerControllerPlan
    cluster_name: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    tags: Tags
    after: tuple[pulumi.Resource, ...] = ()


class LoadBalancerController(pulumi.ComponentResource):
    """Role, pod identity, namespace and release. `release`: while it is there, load balancers come and go.

    What has a load balancer comes after it: a destroy then takes the load balancer, of which the controller holds the
    object until it is gone, before the controller, and so before the network.
    """

    release: pulumi.Resource

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:LoadBalancerController", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(plan.namespace, "loadBalancerController.namespace")),
            opts=child,
        )
        closed = register_policies(name, load_balancer_policies(plan), namespace.metadata["name"], child)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=namespace.metadata["name"],
            values=load_balancer_controller_values(plan, args.vpc_id),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: a pod gets its identity when it is made, no pod is there without its policies, and
                # the release holds a ServiceMonitor. A destroy takes the controller before its rights.
                depends_on=[*self._identity(name, args), *closed, *args.after],
            ),
        )
        self.register_outputs({})

    def _identity(self, name: str, args: LoadBalancerControllerArgs) -> list[pulumi.Resource]:
        plan = args.plan

        def rights(role: aws.iam.Role) -> dict[str, pulumi.Input[str]]:
            return {"policy": pulumi.Output.all(role.arn, args.vpc_id).apply(lambda told: _document(plan, *told))}

        whose = ServiceAccount(args.cluster_name, plan.namespace, SERVICE_ACCOUNT)
        description = f"AWS Load Balancer Controller of EKS cluster {plan.cluster_name}"
        return pod_identity(name, whose, description, rights, args.tags, self)


def _document(plan: LoadBalancerControllerPlan, role_arn: str, vpc_id: str) -> str:
    account = role_arn.split(":")[4]
    return load_balancer_policy(ClusterPlace(plan.partition, plan.region, account, plan.cluster_name, vpc_id))
