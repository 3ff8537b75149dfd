"""`EksAccess`: IAM principals that may use the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.naming import arn_slug
from components.tags import named
from planning.model import AccessEntryPlan, Tags


@dataclass(frozen=True)
class EksAccessArgs:
    """`entries`: one per principal and policy; a principal may have several."""

    cluster_name: pulumi.Input[str]
    entries: Sequence[AccessEntryPlan]
    tags: Tags


class EksAccess(pulumi.ComponentResource):
    """One access entry per principal, one association per policy of it."""

    def __init__(self, name: str, args: EksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:EksAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        principals = {
            arn: aws.eks.AccessEntry(
                f"{name}-{arn_slug(arn)}",
                cluster_name=args.cluster_name,
                principal_arn=arn,
                type="STANDARD",
                tags=named(args.tags, f"{name}-{arn_slug(arn)}"),
                opts=child,
            )
            for arn in dict.fromkeys(entry.principal_arn for entry in args.entries)
        }
        for entry in args.entries:
            policy = entry.policy_arn.rsplit("/", 1)[-1]
            aws.eks.AccessPolicyAssociation(
                f"{name}-{arn_slug(entry.principal_arn)}-{policy}",
                cluster_name=args.cluster_name,
                principal_arn=principals[entry.principal_arn].principal_arn,
                policy_arn=entry.policy_arn,
                access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(
                    type="namespace" if entry.namespaces else "cluster",
                    namespaces=list(entry.namespaces) or None,
                ),
                opts=child,
            )
        self.register_outputs({"principals": list(principals)})
