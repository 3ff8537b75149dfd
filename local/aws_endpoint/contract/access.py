"""Who may use a cluster: access entries and their policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import Asked, ContractRule
from local.aws_endpoint.contract.sources import api, guide, issue

_CREATE = ("eks:CreateAccessEntry",)
_ASSOCIATE = ("eks:AssociateAccessPolicy",)
_ALL = (
    *("eks:CreateAccessEntry", "eks:DescribeAccessEntry", "eks:UpdateAccessEntry", "eks:DeleteAccessEntry"),
    *("eks:ListAccessEntries", "eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"),
)
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


RULES = (
    ContractRule(
        id="access-mode-config-map",
        operations=_ALL,
        condition="the cluster's authentication mode is CONFIG_MAP",
        code="InvalidRequestException",
        words="The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
        "operation.",
        source=guide("setting-up-access-entries"),
        check=_config_map,
    ),
    ContractRule(
        id="access-entry-twice",
        operations=_CREATE,
        condition="the principal has an entry already: the one made for the creator by bootstrap admin, too",
        code="ResourceInUseException",
        words="The specified access entry resource is already in use on this cluster.",
        source=issue("terraform-aws-modules/terraform-aws-eks", 2968, 3293),
        check=_exists,
    ),
    ContractRule(
        id="access-principal-kind",
        operations=_CREATE,
        condition="the principal is no IAM role, user or root (an STS session, say)",
        code="InvalidParameterException",
        words="The specified principalArn is invalid: invalid principal.",
        source=api("CreateAccessEntry"),
        check=_no_iam_arn,
    ),
    ContractRule(
        id="access-principal-partition",
        operations=_CREATE,
        condition="the principal's ARN is of another partition than the cluster",
        code="InvalidParameterException",
        words="The specified principalArn is invalid: invalid principal.",
        source=api("CreateAccessEntry"),
        check=_other_partition,
    ),
    ContractRule(
        id="access-principal-missing",
        operations=_CREATE,
        condition="the principal does not exist (the endpoint can tell for its own account only)",
        code="InvalidParameterException",
        words="The specified principalArn is invalid: invalid principal.",
        source=issue("terraform-aws-modules/terraform-aws-eks", 2969),
        check=_no_principal,
    ),
    ContractRule(
        id="access-type-unknown",
        operations=_CREATE,
        condition="the type is none that EKS has",
        code="InvalidParameterException",
        words="Invalid access entry type {type}.",
        source=api("CreateAccessEntry"),
        check=lambda asked: (
            {"type": asked.given["type"]}
            if asked.given.get("type") not in (None, "", *facts.ACCESS_ENTRY_TYPES)
            else None
        ),
    ),
    ContractRule(
        id="access-groups-of-nodes",
        operations=_CREATE,
        condition="kubernetesGroups for an entry of another type than STANDARD",
        code="InvalidParameterException",
        words="kubernetesGroups cannot be given for an access entry of type {type}",
        source=api("CreateAccessEntry"),
        check="type && type != 'STANDARD' && length(not_null(kubernetesGroups, `[]`)) > `0`",
        values={"type": "type"},
    ),
    ContractRule(
        id="access-group-system",
        operations=("eks:CreateAccessEntry", "eks:UpdateAccessEntry"),
        condition="a Kubernetes group that begins with system:",
        code="InvalidParameterException",
        words="The kubernetes group name {group} is invalid, it cannot start with system:",
        source=api("CreateAccessEntry"),
        check="length(not_null(kubernetesGroups, `[]`)[?starts_with(@, 'system:')]) > `0`",
        values={"group": "kubernetesGroups[?starts_with(@, 'system:')] | [0]"},
    ),
    ContractRule(
        id="access-policy-partition",
        operations=_ASSOCIATE,
        condition="the access policy's ARN is of another partition than the cluster",
        code="InvalidParameterException",
        words="The policyArn {arn} is not valid in this partition",
        source=guide("access-policy-permissions"),
        check=_policy_partition,
    ),
    ContractRule(
        id="access-policy-unknown",
        operations=_ASSOCIATE,
        condition="EKS has no such access policy",
        code="InvalidParameterException",
        words="The policyArn {arn} is not an EKS access policy",
        source=guide("access-policy-permissions"),
        check=_policy_unknown,
    ),
    ContractRule(
        id="access-policy-of-nodes",
        operations=_ASSOCIATE,
        condition="the entry is not of type STANDARD",
        code="InvalidParameterException",
        words="Access policies cannot be associated with entries of type {type}",
        source=api("AssociateAccessPolicy"),
        check=_policy_of_node_entry,
    ),
    ContractRule(
        id="access-scope",
        operations=_ASSOCIATE,
        condition="scope namespace without namespaces, or cluster with some",
        code="InvalidParameterException",
        words="The access scope needs namespaces for type namespace, and none for type cluster",
        source=api("AccessScope"),
        check="(accessScope.type == 'namespace') != (length(not_null(accessScope.namespaces, `[]`)) > `0`)",
    ),
    ContractRule(
        id="access-entry-missing",
        operations=_ASSOCIATE,
        condition="the principal has no access entry yet",
        code="ResourceNotFoundException",
        words="The specified principalArn could not be found. You must specify a valid principalArn.",
        source=api("AssociateAccessPolicy"),
        check=lambda asked: (
            {} if (entries := _entries(asked)) is not None and asked.given["principalArn"] not in entries else None
        ),
    ),
    ContractRule(
        id="access-bootstrap",
        operations=("eks:CreateCluster",),
        condition="bootstrapClusterCreatorAdminPermissions is true or not given: EKS makes an entry for the caller, "
        "with "
        "AmazonEKSClusterAdminPolicy",
        source=guide("setting-up-access-entries"),
        by="local/aws_endpoint/eks_clusters.py",
    ),
    ContractRule(
        id="access-node-role",
        operations=("eks:CreateNodegroup",),
        condition="EKS makes an EC2_LINUX entry for the role of a managed node group",
        source=guide("creating-access-entries"),
        by="local/aws_endpoint/eks_node_groups.py",
    ),
)
