"""`ServiceRole`: an IAM role and its managed policies, usable once both are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning.model import Tags


@dataclass(frozen=True)
class ServiceRoleArgs:
    """`trust`: the trust policy document. `policy_arns`: managed policies; `document`: one of the role's own."""

    trust: str
    policy_arns: Sequence[str]
    description: str
    tags: Tags
    document: str | None = None


class ServiceRole(pulumi.ComponentResource):
    """A role for a service. Who uses `arn` waits for the policies too, by data."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            description=args.description,
            assume_role_policy=args.trust,
            tags=named(args.tags, f"{name}-role"),
            opts=child,
        )
        attachments = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy_arn.rsplit('/', 1)[-1]}", role=role.name, policy_arn=policy_arn, opts=child
            )
            for policy_arn in args.policy_arns
        ]
        own = (
            [aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=args.document, opts=child).policy]
            if args.document
            else []
        )
        # EKS checks the policies of a role it is given, and deletes with them: what takes the ARN depends on the
        # attachments. Their `policy_arn` (not the id) keeps the ARN known in the preview of an added policy: an
        # unknown role ARN would be shown as a replacement of the cluster.
        waited = [*(attachment.policy_arn for attachment in attachments), *own]
        self.arn = pulumi.Output.all(role.arn, *waited).apply(lambda all_: str(all_[0]))
        self.register_outputs({"arn": self.arn})
