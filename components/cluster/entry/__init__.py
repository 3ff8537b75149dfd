"""`Entry`: one address for all models, by an Ingress of a class that the cluster has before proxies of our own."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.entry import manifests
from components.cluster.gateway.manifests import certificate
from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import default_deny, register_policies
from components.manifest import arguments, custom_resource, other_resource
from planning.model import EntryPlan


@dataclass(frozen=True)
class EntryArgs:
    """`after`: what brings cert-manager's kinds, where a certificate is asked of it. `before`: what has to stay until
    the load balancer has gone. `certificate_arn`: of the one that the stack makes in AWS Certificate Manager."""

    plan: EntryPlan
    after: tuple[pulumi.Resource, ...] = ()
    before: tuple[pulumi.Resource, ...] = ()
    certificate_arn: pulumi.Input[str] | None = None


class Entry(pulumi.ComponentResource):
    """Namespace, proxies and Ingress. `ingress` goes first at a destroy: no request comes once its proxies leave."""

    ingress: pulumi.Resource

    def __init__(self, name: str, args: EntryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Entry", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(plan.gateway.namespace, "gateway.namespace")),
            # Hidden ordering: a namespace goes when all in it has gone, an Ingress with a load balancer, too.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.before)),
        )
        inside = namespace.metadata["name"]
        closed = register_policies(
            name, [default_deny(plan.gateway.namespace), manifests.proxy_policy(plan)], inside, child
        )
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", **arguments(manifests.account(plan), inside), opts=child
        )
        config = k8s.core.v1.ConfigMap(f"{name}-config", **arguments(manifests.configuration(plan), inside), opts=child)
        k8s.policy.v1.PodDisruptionBudget(f"{name}-pdb", **arguments(manifests.budget(plan), inside), opts=child)

        def after(*before: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, depends_on=list(before))

        # Hidden ordering: a pod names its account and configuration as text, and no pod is there without its policies.
        proxies = k8s.apps.v1.Deployment(
            f"{name}-envoy",
            **arguments(manifests.proxies(plan), inside),
            opts=after(account, config, *closed),
        )
        service = k8s.core.v1.Service(
            f"{name}-service", **arguments(manifests.service(plan), inside), opts=after(proxies)
        )
        before: list[pulumi.Resource] = [service]
        if plan.gateway.issuer:
            opts = after(*args.after)
            before.append(
                custom_resource(f"{name}-certificate", certificate(plan.gateway), opts=opts, namespace=inside)
            )
        if (rule := manifests.restriction(plan)) is not None:
            # Hidden ordering: an Ingress without what restricts it admits every client, so that is there first.
            before.append(other_resource(f"{name}-sources", rule, opts=child, namespace=inside))
        self.ingress = k8s.networking.v1.Ingress(
            f"{name}-ingress", **arguments(manifests.ingress(plan, args.certificate_arn), inside), opts=after(*before)
        )
        self.register_outputs({})
