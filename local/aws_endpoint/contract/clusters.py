"""The control plane: versions, roles, deletion, and what stays after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import Asked, Checks, Effects
from planning.versions.skew import KUBELET, minor, skews

_LOG_GROUP = "/aws/eks/{name}/cluster"


def _version(asked: Asked) -> Mapping[str, Any] | None:
    version = asked.given.get("version")
    return {"version": version} if version and version not in facts.CLUSTER_VERSIONS else None


def _steps(asked: Asked) -> tuple[str, str, int] | None:
    cluster = asked.world.cluster(asked.given.get("name"))
    version = str(asked.given.get("version"))
    if cluster is None or version not in facts.CLUSTER_VERSIONS:
        return None
    return cluster.version, version, int(version.split(".")[1]) - int(cluster.version.split(".")[1])


def _skips(asked: Asked) -> Mapping[str, Any] | None:
    steps = _steps(asked)
    return {"now": steps[0], "wanted": steps[1]} if steps and (steps[2] > 1 or steps[2] == 0) else None


def _downgrade(asked: Asked) -> Mapping[str, Any] | None:
    steps = _steps(asked)
    return {"now": steps[0], "wanted": steps[1]} if steps and steps[2] < 0 else None


def _old_nodes(asked: Asked) -> Mapping[str, Any] | None:
    cluster, steps = asked.world.cluster(asked.given.get("name")), _steps(asked)
    older = skews()[KUBELET].older
    if cluster is None or steps is None or older is None:
        return None
    groups = cluster.nodegroups.values()
    behind = [group.nodegroup_name for group in groups if minor(steps[1]) - minor(group.version) > older]
    return {"groups": ", ".join(sorted(behind)), "now": steps[0]} if behind else None


def _role(asked: Asked) -> Mapping[str, Any] | None:
    arn = asked.given["roleArn"]
    if not arn.startswith("arn:"):
        return None  # moto: Invalid Role Arn
    role = asked.world.role(arn)
    trusted = role is not None and asked.world.trusts(role, "eks.amazonaws.com")
    return None if trusted else {"arn": arn}


def _has_groups(asked: Asked) -> Mapping[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("name"))
    return {} if cluster and cluster.nodegroups else None


def _protected(asked: Asked) -> Mapping[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("name"))
    return {"name": cluster.name} if cluster and getattr(cluster, "deletion_protection", False) else None


def _logs_again(asked: Asked) -> None:
    """EKS' service-linked role writes what it still has after the cluster went, and makes the group for it."""
    logging = getattr(asked.before.cluster, "logging", None) or {}
    enabled = any(entry.get("enabled") for entry in logging.get("clusterLogging") or [])
    name = _LOG_GROUP.format(name=asked.given["name"])
    if asked.account.has_nodes and enabled and name not in asked.world.logs.groups:
        asked.world.logs.create_log_group(name, {})


CHECKS: Checks = {
    "cluster-version": _version,
    "cluster-version-steps": _skips,
    "cluster-version-downgrade": _downgrade,
    "cluster-old-nodes": _old_nodes,
    "cluster-role": _role,
    "cluster-protected": _protected,
    "cluster-has-node-groups": _has_groups,
    "cluster-name": lambda asked: (
        {"name": asked.given["name"]} if asked.world.cluster(asked.given.get("name")) is not None else None
    ),
}

EFFECTS: Effects = {
    "cluster-logs-again": _logs_again,
}
