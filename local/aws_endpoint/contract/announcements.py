"""Instance profiles, event rules and queues: what a controller that buys nodes is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import MOTO, Asked, ContractRule
from local.aws_endpoint.contract.sources import iam_api

_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html"
_HELD = "Cannot delete entity, must remove roles from instance profile first."


def _policy(asked: Asked) -> Mapping[str, Any] | None:
    """An empty text takes the policy away."""
    text = (asked.given.get("Attributes") or {}).get("Policy")
    if not text:
        return None
    try:
        return None if isinstance(json.loads(text), dict) else {}
    except ValueError:
        return {}


RULES = (
    ContractRule(
        id="role-in-profile",
        operations=("iam:DeleteRole",),
        condition="the role is in an instance profile",
        code="DeleteConflict",
        words=_HELD,
        source=iam_api("DeleteRole"),
        by=MOTO,
    ),
    ContractRule(
        id="profile-in-use",
        operations=("iam:DeleteInstanceProfile",),
        condition="the profile holds a role",
        code="DeleteConflict",
        words=_HELD,
        source=iam_api("DeleteInstanceProfile"),
        by=MOTO,
    ),
    ContractRule(
        id="profile-one-role",
        operations=("iam:AddRoleToInstanceProfile",),
        condition="the profile holds a role already",
        code="LimitExceeded",
        words="Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        source=iam_api("AddRoleToInstanceProfile"),
        by=MOTO,
    ),
    ContractRule(
        id="event-rule-targets",
        operations=("events:DeleteRule",),
        condition="the rule has targets",
        code="ValidationException",
        words="Rule can't be deleted since it has targets.",
        source=_EVENTS,
        by=MOTO,
    ),
    ContractRule(
        id="queue-policy",
        operations=("sqs:CreateQueue", "sqs:SetQueueAttributes"),
        condition="the queue's policy is no JSON object",
        code="InvalidAttributeValue",
        words="Invalid value for the parameter Policy.",
        source=_SQS,
        check=_policy,
    ),
)
