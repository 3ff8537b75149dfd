"""`GpuPool`: GPU nodes that Karpenter buys."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.aws.network import NetworkOutputs
from components.cluster.karpenter.manifests import ec2_node_class, node_overlay, node_pool
from components.manifest import Manifest, custom_resource
from components.tags import named
from planning.model import GPU_RESOURCE, NodeGroupPlan, Tags

# An instance takes some minutes to end when its pods have left, and its network interface some more.
ENDING_SECONDS = 900


@dataclass(frozen=True)
class GpuPoolArgs:
    """`after`: the controller's release, and what makes a new node's GPUs usable. Nodes stand in the private subnets of
    the plan's zones, in the cluster's own security group.
    """

    plan: NodeGroupPlan
    network: NetworkOutputs
    security_group_id: pulumi.Input[str]
    instance_profile: pulumi.Input[str]
    tags: Tags
    after: tuple[pulumi.Resource, ...]

    def __post_init__(self) -> None:
        if self.plan.gpu is None or GPU_RESOURCE not in {taint.key for taint in self.plan.taints}:
            raise ValueError(
                f"pool {self.plan.name}: GPU nodes need the taint {GPU_RESOURCE}: any pod could land there"
            )


class GpuPool(pulumi.ComponentResource):
    """`node_pool`: with it nodes come when pods need them; when it is deleted, they are drained and ended first."""

    node_pool: pulumi.Resource

    def __init__(self, name: str, args: GpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:GpuPool", name, None, opts)
        plan = args.plan
        ids = args.network.private_subnet_ids(plan.zones)
        node_class = self._object(
            f"{name}-node-class",
            ec2_node_class(
                plan,
                ids.apply(lambda groups: [{"id": group_id} for group_id in groups]),
                args.security_group_id,
                args.instance_profile,
                named(args.tags, name),
            ),
            args.after,
            plan,
        )
        before = (node_class, *args.after)
        if told := node_overlay(plan):  # first: without it no node of the pool would do, or one for each share
            before = (self._object(f"{name}-node-overlay", told, args.after, plan), *before)
        self.node_pool = self._object(f"{name}-node-pool", node_pool(plan), before, plan)
        self.register_outputs({})

    def _object(
        self, name: str, manifest: Manifest, after: tuple[pulumi.Resource, ...], plan: NodeGroupPlan
    ) -> pulumi.Resource:
        drain = plan.karpenter.termination_grace_seconds if plan.karpenter else 0
        made: pulumi.Resource = custom_resource(
            name,
            manifest,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering, and all of a destroy's: pool, then its nodes, then their class, then the controller,
                # whose finalizers only it removes. The pool's deletion ends when its nodes have (foreground).
                depends_on=list(after),
                custom_timeouts=pulumi.CustomTimeouts(delete=f"{drain + ENDING_SECONDS}s"),
            ),
        )
        return made
