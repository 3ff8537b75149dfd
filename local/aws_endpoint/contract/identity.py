"""IAM, KMS and CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import MOTO, Asked, ContractRule
from local.aws_endpoint.contract.sources import IAM_QUOTAS, LOGS_RETENTION, iam_api, issue

MOST_POLICIES_PER_ROLE = 10
MOST_INLINE_BYTES = 10_240
MOST_TRUST_CHARACTERS = 2_048
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _role(asked: Asked) -> Any | None:
    return next((role for role in asked.world.iam.roles.values() if role.name == asked.given.get("RoleName")), None)


def _unspaced(text: str) -> int:
    """IAM counts a document without white space."""
    return len("".join(text.split()))


def _partition(asked: Asked) -> Mapping[str, Any] | None:
    arn = asked.given["PolicyArn"]
    return {"arn": arn} if arn.split(":")[1:2] != [asked.world.partition] else None


def _too_many(asked: Asked) -> Mapping[str, Any] | None:
    role = _role(asked)
    held = set(role.managed_policies) if role is not None else set()
    return {} if len(held | {asked.given["PolicyArn"]}) > MOST_POLICIES_PER_ROLE else None


def _inline(asked: Asked) -> Mapping[str, Any] | None:
    too_long = _unspaced(asked.given["PolicyDocument"]) > MOST_INLINE_BYTES
    return {"name": asked.given["RoleName"]} if too_long else None


RULES = (
    ContractRule(
        id="policy-partition",
        operations=("iam:AttachRolePolicy",),
        condition="the policy's ARN is of another partition than the account",
        code="NoSuchEntity",
        words="Policy {arn} does not exist or is not attachable.",
        source=issue("terraform-aws-modules/terraform-aws-eks", 3259),
        check=_partition,
    ),
    ContractRule(
        id="policy-missing",
        operations=("iam:AttachRolePolicy",),
        condition="there is no such policy",
        code="NoSuchEntity",
        words="Policy {arn} does not exist or is not attachable.",
        source=iam_api("AttachRolePolicy"),
        by=MOTO,
    ),
    ContractRule(
        id="policies-per-role",
        operations=("iam:AttachRolePolicy",),
        condition=f"more than {MOST_POLICIES_PER_ROLE} managed policies on a role",
        code="LimitExceeded",
        words=f"Cannot exceed quota for PoliciesPerRole: {MOST_POLICIES_PER_ROLE}",
        source=IAM_QUOTAS,
        check=_too_many,
    ),
    ContractRule(
        id="inline-policy-size",
        operations=("iam:PutRolePolicy",),
        condition=f"an inline policy of more than {MOST_INLINE_BYTES} characters",
        code="LimitExceeded",
        words=f"Maximum policy size of {MOST_INLINE_BYTES} bytes exceeded for role {{name}}",
        source=IAM_QUOTAS,
        check=_inline,
    ),
    ContractRule(
        id="trust-policy-size",
        operations=("iam:CreateRole", "iam:UpdateAssumeRolePolicy"),
        condition=f"a trust policy of more than {MOST_TRUST_CHARACTERS} characters",
        code="LimitExceeded",
        words=f"Cannot exceed quota for ACLSizePerRole: {MOST_TRUST_CHARACTERS}",
        source=IAM_QUOTAS,
        check=lambda asked: (
            {}
            if _unspaced(asked.given.get("AssumeRolePolicyDocument") or asked.given.get("PolicyDocument") or "")
            > MOST_TRUST_CHARACTERS
            else None
        ),
    ),
    ContractRule(
        id="role-in-use",
        operations=("iam:DeleteRole",),
        condition="policies are attached to the role",
        code="DeleteConflict",
        words="Cannot delete entity, must detach all policies first.",
        source=iam_api("DeleteRole"),
        by=MOTO,
    ),
    ContractRule(
        id="log-group-exists",
        operations=("logs:CreateLogGroup",),
        condition="a log group of that name exists: EKS' own, left by a cluster of the name, too",
        code="ResourceAlreadyExistsException",
        words="The specified log group already exists",
        source=issue("terraform-aws-modules/terraform-aws-eks", 920, 2763),
        by=MOTO,
    ),
    ContractRule(
        id="log-retention",
        operations=("logs:PutRetentionPolicy",),
        condition="a number of days that CloudWatch Logs does not offer",
        code="InvalidParameterException",
        words="Invalid retention value. The value is not one of those that are offered",
        source=LOGS_RETENTION,
        check=lambda asked: {} if asked.given.get("retentionInDays") not in RETENTION_DAYS else None,
    ),
    ContractRule(
        id="key-alias",
        operations=("kms:CreateAlias",),
        condition="an alias of that name exists",
        code="AlreadyExistsException",
        words="An alias with the name arn:{partition}:kms:{region}:{account}:{name} already exists",
        source="https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
        by=MOTO,
    ),
)
