"""Mistakes in IAM, KMS and log group inputs that neither botocore nor moto finds (see checks.py)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from local.providers.aws.checks import Inputs, known, parsed_json
from local.providers.aws.schema import Problem, did_you_mean

_STATEMENT_KEYS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)


def _statements(prop: str, document: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """A policy's statements, and what is wrong with its grammar."""
    problems = []
    if document.get("Version") not in (None, "2012-10-17", "2008-10-17"):
        problems.append(Problem(prop, f'Version must be "2012-10-17", got {document.get("Version")!r}'))
    raw = document.get("Statement")
    statements: list[dict[str, Any]] = raw if isinstance(raw, list) else [raw] if isinstance(raw, dict) else []
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        return [], [*problems, Problem(prop, "has no Statement")]
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        for key in statement:
            if key not in _STATEMENT_KEYS:
                problems.append(
                    Problem(prop, f'{where} has unknown element "{key}".{did_you_mean(key, _STATEMENT_KEYS)}')
                )
        if statement.get("Effect") not in ("Allow", "Deny"):
            problems.append(Problem(prop, f'{where}.Effect must be "Allow" or "Deny"'))
        if not ("Action" in statement) ^ ("NotAction" in statement):
            problems.append(Problem(prop, f"{where} needs exactly one of Action and NotAction"))
        problems += _actions(prop, where, statement)
    return statements, problems


def _actions(prop: str, where: str, statement: dict[str, Any]) -> list[Problem]:
    actions = statement.get("Action", statement.get("NotAction", []))
    actions = actions if isinstance(actions, list) else [actions]
    return [
        Problem(prop, f'{where}: "{action}" is no action; write service:Action, for example s3:GetObject')
        for action in actions
        if not isinstance(action, str) or (action != "*" and not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9*?]+", action))
    ]


def trust_policy(inputs: Inputs) -> list[Problem]:
    """assumeRolePolicy: who may assume the role. moto takes even broken JSON."""
    prop = "assumeRolePolicy"
    document, problems = parsed_json(inputs, prop)
    if document is None:
        return problems
    statements, problems = _statements(prop, document)
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        if not statement.get("Principal") and not statement.get("NotPrincipal"):
            problems.append(Problem(prop, f"{where} of a trust policy needs a Principal"))
        if "Resource" in statement or "NotResource" in statement:
            problems.append(Problem(prop, f"{where}: a trust policy has no Resource"))
        principal = statement.get("Principal")
        kinds = principal if isinstance(principal, dict) else {}
        problems += [
            Problem(prop, f'{where}: unknown principal type "{kind}"')
            for kind in kinds
            if kind not in ("AWS", "Service", "Federated", "CanonicalUser")
        ]
    return problems


def permission_policy(inputs: Inputs) -> list[Problem]:
    """policy: what is allowed."""
    document, problems = parsed_json(inputs, "policy")
    if document is None:
        return problems
    statements, problems = _statements("policy", document)
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        if "Principal" in statement:
            problems.append(Problem("policy", f"{where}: an identity policy has no Principal"))
        if not ("Resource" in statement) ^ ("NotResource" in statement):
            problems.append(Problem("policy", f"{where} needs exactly one of Resource and NotResource"))
    return problems


def oidc_url(inputs: Inputs) -> list[Problem]:
    url = known(inputs, "url")
    if url is None or (urlsplit(url).scheme == "https" and urlsplit(url).hostname):
        return []
    return [Problem("url", f'"{url}" must be an https:// address')]


def kms_key(inputs: Inputs) -> list[Problem]:
    problems = []
    for prop, low, high in (("deletionWindowInDays", 7, 30), ("rotationPeriodInDays", 90, 2560)):
        days = known(inputs, prop)
        if days is not None and not low <= days <= high:
            problems.append(Problem(prop, f"must be {low} to {high} days, got {days}"))
    if known(inputs, "rotationPeriodInDays") and known(inputs, "enableKeyRotation") is None:
        problems.append(Problem("rotationPeriodInDays", "needs enableKeyRotation"))
    return problems


def alias_name(inputs: Inputs) -> list[Problem]:
    name = known(inputs, "name")
    if name is None:
        return []
    if not name.startswith("alias/") or name.startswith("alias/aws/"):
        return [Problem("name", f'"{name}" must begin with alias/ and not with alias/aws/')]
    return []


_RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def log_retention(inputs: Inputs) -> list[Problem]:
    days = known(inputs, "retentionInDays")
    if days is None or days in _RETENTION_DAYS:
        return []
    return [Problem("retentionInDays", f"CloudWatch keeps logs for one of {_RETENTION_DAYS} days, got {days}")]
