"""`Gateway`: one address for all models: class, Gateway, certificate, and who may ask what."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.cluster.gateway import manifests
from components.cluster.gateway.by_model import by_model
from components.cluster.network_policies import register_policies
from components.manifest import Manifest, custom_resource
from planning.model import GatewayPlan


@dataclass(frozen=True)
class GatewayArgs:
    """`after`: what brings the kinds of Gateway API, Envoy Gateway and, where it is asked, cert-manager."""

    plan: GatewayPlan
    after: tuple[pulumi.Resource, ...] = ()


class Gateway(pulumi.ComponentResource):
    """`ready`: what a model's route needs. The load balancer goes with the Gateway, before the controller does."""

    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Gateway", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        closed = register_policies(name, [manifests.proxy_policy(plan)], None, child)
        before = (*args.after, *closed)
        of_class = self._object(f"{name}-class", manifests.gateway_class(), before)
        if plan.issuer:
            self._object(f"{name}-certificate", manifests.certificate(plan), before)
        proxies = self._object(f"{name}-envoy", manifests.proxy(plan), before)
        # Hidden ordering: a Gateway without its rules admits every client, so the rules are there first.
        rules = [
            self._object(f"{name}-clients", manifests.client_policy(plan), before),
            self._object(f"{name}-servers", manifests.backend_policy(plan), before),
        ]
        for what, manifest in manifests.key_server(plan).items():
            rules.append(self._object(f"{name}-{what}", manifest, before))
        if plan.authentication.kind in ("apiKeys", "jwt"):
            rules.append(self._object(f"{name}-authentication", manifests.security_policy(plan), before))
        made = self._object(f"{name}-gateway", manifests.gateway(plan), (*before, of_class, proxies, *rules))
        for what, manifest in by_model(plan).items():
            self._object(f"{name}-{what}", manifest, (made,))
        self.ready = (made,)
        self.register_outputs({})

    def _object(self, name: str, manifest: Manifest, after: tuple[pulumi.Resource, ...]) -> pulumi.Resource:
        made: pulumi.Resource = custom_resource(
            name,
            manifest,
            # Hidden ordering: the kinds come with releases.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        return made
