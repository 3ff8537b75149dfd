"""The control plane: versions, roles, deletion, and what stays after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import MOTO, Asked, ContractRule
from local.aws_endpoint.contract.sources import api, guide, issue

_CREATE = ("eks:CreateCluster",)
_UPDATE = ("eks:UpdateClusterConfig",)
_INVALID = "InvalidParameterException"
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


RULES = (
    ContractRule(
        id="cluster-version",
        operations=("eks:CreateCluster", "eks:UpdateClusterVersion"),
        condition="EKS does not have the Kubernetes version (any more)",
        code=_INVALID,
        words="unsupported Kubernetes version {version}",
        source=issue("rancher/rancher", 27777),
        check=_version,
    ),
    ContractRule(
        id="cluster-version-steps",
        operations=("eks:UpdateClusterVersion",),
        condition="an update by more than one minor version, or to the same",
        code=_INVALID,
        words="Unsupported Kubernetes minor version update from {now} to {wanted}",
        source=guide("update-cluster"),
        check=_skips,
    ),
    ContractRule(
        id="cluster-version-downgrade",
        operations=("eks:UpdateClusterVersion",),
        condition="an update to an older minor version",
        code=_INVALID,
        words="Unsupported Kubernetes minor version update from {now} to {wanted}",
        source=guide("update-cluster"),
        check=_downgrade,
    ),
    ContractRule(
        id="cluster-role",
        operations=_CREATE,
        condition="the role does not exist, or does not trust eks.amazonaws.com",
        code=_INVALID,
        words="Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not "
        "correct",
        source=guide("cluster-iam-role"),
        check=_role,
    ),
    ContractRule(
        id="cluster-one-change",
        operations=_UPDATE,
        condition="several kinds of change in one call",
        code=_INVALID,
        words="Only one type of update can be allowed",
        source=api("UpdateClusterConfig"),
        by="local/aws_endpoint/eks_clusters.py",
    ),
    ContractRule(
        id="cluster-protected",
        operations=("eks:DeleteCluster",),
        condition="deletion protection is on",
        code="InvalidRequestException",
        words="Cluster {name} has deletion protection enabled; disable it first",
        source=f"{guide('deletion-protection')} (the words are not AWS' own)",
        check=_protected,
    ),
    ContractRule(
        id="cluster-has-node-groups",
        operations=("eks:DeleteCluster",),
        condition="the cluster has node groups",
        code="ResourceInUseException",
        words="Cluster has nodegroups attached",
        source=issue("gruntwork-io/cloud-nuke", 148),
        check=_has_groups,
    ),
    ContractRule(
        id="cluster-logs-again",
        operations=("eks:DeleteCluster",),
        condition="after the cluster has gone EKS makes its log group again, without retention, where it has lines "
        "left",
        source=issue("terraform-aws-modules/terraform-aws-eks", 920, 2446, 2763),
        effect=_logs_again,
    ),
    ContractRule(
        id="cluster-name",
        operations=_CREATE,
        condition="a cluster of that name exists",
        code="ResourceInUseException",
        words="Cluster already exists with name: {name}",
        source=api("CreateCluster"),
        check=lambda asked: (
            {"name": asked.given["name"]} if asked.world.cluster(asked.given.get("name")) is not None else None
        ),
    ),
    ContractRule(
        id="role-arn",
        operations=(*_CREATE, "eks:CreateNodegroup"),
        condition="the role's ARN has not the form of one",
        code=_INVALID,
        words="Invalid Role Arn: '{arn}'",
        source=api("CreateCluster"),
        by=MOTO,
    ),
)
