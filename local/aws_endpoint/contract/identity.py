"""IAM, KMS and CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks

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


CHECKS: Checks = {
    "policy-partition": _partition,
    "policies-per-role": _too_many,
    "inline-policy-size": _inline,
    "trust-policy-size": lambda asked: (
        {}
        if _unspaced(asked.given.get("AssumeRolePolicyDocument") or asked.given.get("PolicyDocument") or "")
        > MOST_TRUST_CHARACTERS
        else None
    ),
    "log-retention": lambda asked: {} if asked.given.get("retentionInDays") not in RETENTION_DAYS else None,
}
