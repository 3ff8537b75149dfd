"""Who may use a cluster: access entries and their policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import Asked, Checks

_PRINCIPAL = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):(?P<kind>role|user|root)(/(?P<path>.+))?"
)


def _entries(asked: Asked) -> dict[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    return store.extra(cluster, "access_entries") if cluster else None


def _exists(asked: Asked) -> Mapping[str, Any] | None:
    return {} if asked.given["principalArn"] in (_entries(asked) or {}) else None


def _no_principal(asked: Asked) -> Mapping[str, Any] | None:
    """A principal of the account that IAM does not know; other accounts cannot be looked into here."""
    match = _PRINCIPAL.fullmatch(asked.given["principalArn"])
    if match is None or match["account"] != asked.world.account_id or match["partition"] != asked.world.partition:
        return None
    if match["kind"] == "root" or asked.given["principalArn"] == asked.account.caller:
        return None
    known = asked.world.iam.roles.values() if match["kind"] == "role" else asked.world.iam.users.values()
    return None if any(entry.arn == asked.given["principalArn"] for entry in known) else {}


def _other_partition(asked: Asked) -> Mapping[str, Any] | None:
    match = _PRINCIPAL.fullmatch(asked.given["principalArn"])
    return {} if match and match["partition"] != asked.world.partition else None


def _no_iam_arn(asked: Asked) -> Mapping[str, Any] | None:
    return None if _PRINCIPAL.fullmatch(asked.given["principalArn"]) else {}


def _config_map(asked: Asked) -> Mapping[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    return {} if cluster and cluster.access_config["authenticationMode"] == "CONFIG_MAP" else None


def _policy_partition(asked: Asked) -> Mapping[str, Any] | None:
    arn = str(asked.given["policyArn"])
    return {"arn": arn} if not arn.startswith(f"arn:{asked.world.partition}:eks::aws:cluster-access-policy/") else None


def _policy_unknown(asked: Asked) -> Mapping[str, Any] | None:
    arn = str(asked.given["policyArn"])
    return {"arn": arn} if arn.rsplit("/", 1)[-1] not in facts.ACCESS_POLICIES else None


def _policy_of_node_entry(asked: Asked) -> Mapping[str, Any] | None:
    entry = (_entries(asked) or {}).get(asked.given["principalArn"])
    return {"type": entry["type"]} if entry and entry["type"] != "STANDARD" else None


CHECKS: Checks = {
    "access-mode-config-map": _config_map,
    "access-entry-twice": _exists,
    "access-principal-kind": _no_iam_arn,
    "access-principal-partition": _other_partition,
    "access-principal-missing": _no_principal,
    "access-type-unknown": lambda asked: (
        {"type": asked.given["type"]} if asked.given.get("type") not in (None, "", *facts.ACCESS_ENTRY_TYPES) else None
    ),
    "access-policy-partition": _policy_partition,
    "access-policy-unknown": _policy_unknown,
    "access-policy-of-nodes": _policy_of_node_entry,
    "access-entry-missing": lambda asked: (
        {} if (entries := _entries(asked)) is not None and asked.given["principalArn"] not in entries else None
    ),
}
