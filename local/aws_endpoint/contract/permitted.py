"""Whether an IAM policy lets the caller make a call: what IAM evaluates, for the parts that our own policies use.

moto's own evaluation knows no conditions and few resources; a condition that is unknown here is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import jmespath

DENIED = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "sts": "AccessDenied", "sqs": "AccessDenied"}
# What IAM calls the operations of AWS Budgets
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html).
_BUDGETS = {
    **{
        f"budgets:{verb}{what}": "budgets:ModifyBudget"
        for verb in ("Create", "Update", "Delete")
        for what in ("Budget", "Notification", "Subscriber")
    },
    **{
        f"budgets:Describe{what}": "budgets:ViewBudget"
        for what in ("Budget", "NotificationsForBudget", "SubscribersForNotification")
    },
}
_PREFIXES = {"efs": "elasticfilesystem", "service-quotas": "servicequotas"}

# What a call needs besides its own action: operation -> JMESPath that is true where it does, action, JMESPath of the
# resource's ARN. Tags: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html and each
# service's page of actions; roles: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html; EKS:
# https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, …/enable-kms.html.
_TAGGED = {
    **{service: f"{service}:TagResource" for service in ("eks", "kms", "logs", "events", "sns", "chatbot")},
    **{"iam": "iam:TagRole", "sqs": "sqs:TagQueue", "efs": "elasticfilesystem:TagResource"},
    "acm": "acm:AddTagsToCertificate",
}
_BESIDES: tuple[tuple[str, str, str, str, str], ...] = (
    ("eks:CreateCluster", "roleArn", "iam:PassRole", "roleArn", "eks"),
    ("eks:CreateCluster", "encryptionConfig", "kms:CreateGrant", "", ""),
    ("eks:CreateCluster", "encryptionConfig", "kms:DescribeKey", "", ""),
    ("eks:CreateNodegroup", "nodeRole", "iam:PassRole", "nodeRole", "ec2"),
    ("eks:CreateNodegroup", "launchTemplate", "ec2:RunInstances", "", ""),
    ("eks:CreatePodIdentityAssociation", "roleArn", "iam:PassRole", "roleArn", "pods.eks"),
    ("eks:CreateAddon", "podIdentityAssociations", "iam:PassRole", "podIdentityAssociations[0].roleArn", "pods.eks"),
    ("eks:CreateAddon", "podIdentityAssociations", "eks:CreatePodIdentityAssociation", "", ""),
    ("iam:AddRoleToInstanceProfile", "RoleName", "iam:PassRole", "", "ec2"),
    *(
        (f"chatbot:Create{kind}ChannelConfiguration", "IamRoleArn", "iam:PassRole", "IamRoleArn", "chatbot")
        for kind in ("Slack", "MicrosoftTeams")
    ),
    ("ec2:CreateFlowLogs", "DeliverLogsPermissionArn", "iam:PassRole", "DeliverLogsPermissionArn", "vpc-flow-logs"),
)


@dataclass(frozen=True)
class PermissionNeed:
    """One action on one resource, with the values that conditions look at."""

    action: str
    resource: str
    values: Mapping[str, str]


def needs(
    operation: str, parameters: Mapping[str, Any], account_id: str, region: str, partition: str
) -> Iterator[PermissionNeed]:
    """Every permission that a call takes; `operation` as `eks:CreateCluster`."""
    service, _, name = operation.partition(":")
    values = {"aws:RequestedRegion": region}
    resource = "*"
    if service == "iam" and parameters.get("InstanceProfileName"):
        resource = f"arn:{partition}:iam::{account_id}:instance-profile/{parameters['InstanceProfileName']}"
    elif service == "iam" and parameters.get("RoleName"):
        resource = f"arn:{partition}:iam::{account_id}:role/{parameters['RoleName']}"
        values["iam:PolicyARN"] = str(parameters.get("PolicyArn", ""))
    elif service == "budgets":
        named = parameters.get("BudgetName") or jmespath.search("(Budget || NewBudget).BudgetName", parameters)
        resource = parameters.get("ResourceARN") or f"arn:{partition}:budgets::{account_id}:budget/{named}"
    elif service == "route53" and parameters.get("HostedZoneId"):
        resource = f"arn:{partition}:route53:::hostedzone/{parameters['HostedZoneId']}"
        types = jmespath.search("ChangeBatch.Changes[].ResourceRecordSet.Type", parameters)
        values["route53:ChangeResourceRecordSetsRecordTypes"] = ",".join(types or ())
    yield PermissionNeed(_BUDGETS.get(operation, f"{_PREFIXES.get(service, service)}:{name}"), resource, values)
    if service in ("budgets", "ce") and name.startswith("Create") and parameters.get("ResourceTags"):
        yield PermissionNeed(f"{service}:TagResource", resource, values)
    if service == "ec2" and parameters.get("TagSpecifications"):
        yield PermissionNeed("ec2:CreateTags", "*", values)
    if (
        service in _TAGGED
        and name.startswith(("Create", "PutRule", "Request"))
        and (parameters.get("tags") or parameters.get("Tags"))
    ):
        yield PermissionNeed(
            "iam:TagInstanceProfile" if "InstanceProfile" in name else _TAGGED[service], resource, values
        )
    for operation_beside, condition, action, arn, passed_to in _BESIDES:
        if operation_beside == operation and jmespath.search(condition, parameters):
            whom = {"iam:PassedToService": f"{passed_to}.amazonaws.com"} if passed_to else {}
            whose = f"arn:{partition}:iam::{account_id}:role/{parameters.get('RoleName')}" if service == "iam" else "*"
            yield PermissionNeed(action, str(jmespath.search(arn, parameters)) if arn else whose, {**values, **whom})


def allows(policy: Mapping[str, Any], need: PermissionNeed) -> bool:
    """Whether a statement allows it; our policies have no Deny."""
    return any(_allows(statement, need) for statement in policy["Statement"])


def _allows(statement: Mapping[str, Any], need: PermissionNeed) -> bool:
    assert statement["Effect"] == "Allow", "a Deny is not evaluated here"
    return (
        _matches(statement["Action"], need.action)
        and _matches(statement["Resource"], need.resource)
        and all(_holds(kind, keys, need) for kind, keys in statement.get("Condition", {}).items())
    )


def _matches(patterns: str | Iterable[str], text: str) -> bool:
    every = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(text, pattern) for pattern in every)


def _holds(kind: str, keys: Mapping[str, Any], need: PermissionNeed) -> bool:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
    judge = _CONDITIONS.get(kind)
    if judge is None:
        raise NotImplementedError(f"condition {kind} is not evaluated here")
    return all(judge(need.values.get(key), [value] if isinstance(value, str) else value) for key, value in keys.items())


def _is_one(value: str | None, patterns: Sequence[str]) -> bool:
    return value in patterns


def _is_like(value: str | None, patterns: Sequence[str]) -> bool:
    return value is not None and _matches(patterns, value)


def _is_one_if_given(value: str | None, patterns: Sequence[str]) -> bool:
    return value is None or value in patterns


def _are_all(value: str | None, patterns: Sequence[str]) -> bool:
    """Several values stand in one text, between commas; none at all is all of them."""
    return set((value or "").split(",")) - {""} <= set(patterns)


_CONDITIONS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "StringEquals": _is_one,
    "ArnEquals": _is_one,
    "StringLike": _is_like,
    "StringEqualsIfExists": _is_one_if_given,
    "ForAllValues:StringEquals": _are_all,
}
