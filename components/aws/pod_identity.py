"""The role of one service account by EKS Pod Identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.tags import named
from planning.model import Tags


@dataclass(frozen=True)
class ServiceAccount:
    """Whose role it is; `cluster_name`: of a cluster that is there."""

    cluster_name: pulumi.Input[str]
    namespace: str
    name: str


def pod_identity(
    name: str,
    whose: ServiceAccount,
    description: str,
    policies: Callable[[aws.iam.Role], Mapping[str, pulumi.Input[str]]],
    tags: Tags,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Role, inline policies by the end of their names, association: what pods have to come after.

    Hidden ordering: a pod gets its identity when it is made, and without a policy is denied its first call; so the
    association comes after the policies, which nothing in its inputs says.
    """
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        f"{name}-role",
        description=description,
        assume_role_policy=iam.pod_identity_trust(),
        tags=named(tags, f"{name}-role"),
        opts=child,
    )
    rights: list[pulumi.Resource] = [
        aws.iam.RolePolicy(f"{name}-{what}", role=role.name, policy=document, opts=child)
        for what, document in policies(role).items()
    ]
    association = aws.eks.PodIdentityAssociation(
        f"{name}-identity",
        cluster_name=whose.cluster_name,
        namespace=whose.namespace,
        service_account=whose.name,
        role_arn=role.arn,
        tags=named(tags, f"{name}-identity"),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=rights),
    )
    return [association, *rights]
