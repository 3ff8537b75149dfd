"""aws:iam/getPolicyDocument: renders the SDK's statements as an IAM policy, as the real provider does, locally."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32


def policy_document(args: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with `json` and `minifiedJson`. Source documents come first, override documents replace by Sid."""
    document: dict[str, Any] = {"Version": args.get("version") or "2012-10-17"}
    if args.get("policyId"):
        document["Id"] = args["policyId"]
    statements: list[dict[str, Any]] = []
    for source in args.get("sourcePolicyDocuments") or []:
        statements = _merged(statements, _loaded(source), replace=False)
    statements = _merged(statements, [_statement(one) for one in args.get("statements") or []], replace=False)
    for override in args.get("overridePolicyDocuments") or []:
        statements = _merged(statements, _loaded(override), replace=True)
    document["Statement"] = statements
    text = json.dumps(document, indent=2)
    answer = {
        **{key: value for key, value in args.items() if value is not None},
        "id": str(crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "version": document["Version"],
    }
    answer["statements"] = [{"effect": "Allow", **one} for one in args.get("statements") or []]
    return answer


def _loaded(text: str) -> list[dict[str, Any]]:
    statements = json.loads(text).get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _merged(before: list[dict[str, Any]], after: list[dict[str, Any]], *, replace: bool) -> list[dict[str, Any]]:
    result = list(before)
    for statement in after:
        sid = statement.get("Sid")
        place = next((i for i, other in enumerate(result) if sid and other.get("Sid") == sid), None)
        if place is None:
            result.append(statement)
        elif replace:
            result[place] = statement
        else:
            raise ValueError(f"duplicate Sid {sid} in source policy documents")
    return result


def _lone(values: list[Any]) -> Any:
    """The provider writes a list of one as its only item."""
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def _statement(one: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {}
    if one.get("sid"):
        statement["Sid"] = one["sid"]
    statement["Effect"] = one.get("effect") or "Allow"
    for prop, element in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if one.get(prop):
            statement[element] = _lone(one[prop])
    for prop, element in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if one.get(prop):
            statement[element] = _principals(one[prop])
    if one.get("conditions"):
        conditions: dict[str, dict[str, Any]] = {}
        for condition in one["conditions"]:
            conditions.setdefault(condition["test"], {})[condition["variable"]] = _lone(condition["values"])
        statement["Condition"] = conditions
    return statement


def _principals(principals: list[Mapping[str, Any]]) -> Any:
    by_type: dict[str, list[str]] = {}
    for principal in principals:
        by_type.setdefault(principal["type"], []).extend(principal["identifiers"])
    if by_type == {"*": ["*"]}:
        return "*"
    return {kind: _lone(names) for kind, names in by_type.items()}
