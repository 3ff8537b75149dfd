"""`EksAddons`: EKS add-ons and the pod identities they work with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.service_role import ServiceRole, ServiceRoleArgs
from components.tags import named
from planning.model import AddonPlan, Tags


@dataclass(frozen=True)
class EksAddonsArgs:
    """`cluster_name` carries the order: `EksCluster`'s for add-ons without pods of their own, a node group's for
    add-ons that become ACTIVE only once their pods run somewhere."""

    cluster_name: pulumi.Input[str]
    addons: Sequence[AddonPlan]
    tags: Tags


class EksAddons(pulumi.ComponentResource):
    """Add-ons of one cluster. `cluster_name` is the cluster's name for resources that depend on them."""

    cluster_name: pulumi.Output[str]

    def __init__(self, name: str, args: EksAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:EksAddons", name, None, opts)
        self._name, self._args = name, args
        addons = [self._addon(plan) for plan in args.addons]
        # The echoed input, not the id: known in every preview, and still there only after the add-on.
        echoes = [addon.cluster_name for addon in addons]
        self.cluster_name = pulumi.Output.all(args.cluster_name, *echoes).apply(lambda names: str(names[0]))
        self.register_outputs({"clusterName": self.cluster_name, "addons": [plan.name for plan in args.addons]})

    def _addon(self, plan: AddonPlan) -> aws.eks.Addon:
        name = f"{self._name}-{plan.name}"
        return aws.eks.Addon(
            name,
            cluster_name=self._args.cluster_name,
            addon_name=plan.name,
            addon_version=plan.version or self._followed(plan),
            configuration_values=json.dumps(plan.configuration, sort_keys=True) if plan.configuration else None,
            pod_identity_associations=self._pod_identity(name, plan),
            # The stack file is where an add-on is configured; drift is reverted.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=named(self._args.tags, name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _followed(self, plan: AddonPlan) -> pulumi.Output[str] | None:
        """EKS' default for the cluster's Kubernetes version. Without it the build of the first day stays: EKS moves no
        add-on when it upgrades a cluster (EKS guide, eks-add-ons)."""
        if plan.kubernetes_version is None:
            return None
        version: pulumi.Output[str] = aws.eks.get_addon_version_output(
            addon_name=plan.name,
            kubernetes_version=plan.kubernetes_version,
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).version
        return version

    def _pod_identity(self, name: str, plan: AddonPlan) -> list[aws.eks.AddonPodIdentityAssociationArgs] | None:
        if plan.pod_identity_policy_arn is None:
            return None
        if plan.service_account is None:
            raise ValueError(f"add-on {plan.name} has a pod identity policy but no service account to give it to")
        role = ServiceRole(
            f"{name}-identity",
            ServiceRoleArgs(
                trust=iam.pod_identity_trust(),
                policy_arns=(plan.pod_identity_policy_arn,),
                description=f"EKS add-on {plan.name}, service account {plan.namespace}/{plan.service_account}",
                tags=self._args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return [aws.eks.AddonPodIdentityAssociationArgs(role_arn=role.arn, service_account=plan.service_account)]
