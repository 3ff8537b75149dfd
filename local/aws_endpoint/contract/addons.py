"""Add-ons and pod identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import Asked, ContractRule
from local.aws_endpoint.contract.sources import api, guide, issue

_ADDON = ("eks:CreateAddon", "eks:UpdateAddon")
_INVALID = "InvalidParameterException"


def _addon_unknown(asked: Asked) -> Mapping[str, Any] | None:
    name, cluster = asked.given.get("addonName"), asked.world.cluster(asked.given.get("clusterName"))
    return {"name": name, "version": cluster.version} if cluster and name not in facts.ADDONS else None


def _addon_version(asked: Asked) -> Mapping[str, Any] | None:
    version, name = asked.given.get("addonVersion"), asked.given.get("addonName")
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    if version is None or cluster is None or name not in facts.ADDONS:
        return None
    return {} if version not in facts.addon_versions(name, cluster.version) else None


def _configuration(asked: Asked) -> Mapping[str, Any] | None:
    text = asked.given.get("configurationValues")
    if text is None:
        return None
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return None if isinstance(parsed, dict) else {}


def _addon_exists(asked: Asked) -> Mapping[str, Any] | None:
    cluster, name = asked.world.cluster(asked.given.get("clusterName")), asked.given.get("addonName")
    return {"name": name} if cluster and name in store.extra(cluster, "addons") else None


def _identity_trust(asked: Asked) -> Mapping[str, Any] | None:
    """The role of a pod identity association, given by itself or with an add-on."""
    roles = [asked.given["roleArn"]] if asked.given.get("roleArn") else []
    roles += [association["roleArn"] for association in asked.given.get("podIdentityAssociations") or []]
    for arn in roles:
        role = asked.world.role(arn)
        if role is None or not asked.world.trusts(role, "pods.eks.amazonaws.com"):
            return {"arn": arn}
    return None


RULES = (
    ContractRule(
        id="addon-unknown",
        operations=_ADDON,
        condition="EKS has no such add-on",
        code=_INVALID,
        words="Addon {name} specified is not supported in {version} kubernetes version",
        source=issue("marcincuber/eks", 10),
        check=_addon_unknown,
    ),
    ContractRule(
        id="addon-version",
        operations=_ADDON,
        condition="the add-on has no such version for the cluster's Kubernetes version",
        code=_INVALID,
        words="Addon version specified is not supported",
        source=issue("hashicorp/terraform-provider-aws", 33385, 32238),
        check=_addon_version,
    ),
    ContractRule(
        id="addon-configuration",
        operations=_ADDON,
        condition="configurationValues is no JSON or YAML object",
        code=_INVALID,
        words="ConfigurationValue provided in request is not supported: it is no JSON or YAML object",
        source=api("CreateAddon"),
        check=_configuration,
    ),
    ContractRule(
        id="addon-exists",
        operations=("eks:CreateAddon",),
        condition="the cluster has the add-on",
        code="ResourceInUseException",
        words="Addon already exists: {name}",
        source=api("CreateAddon"),
        check=_addon_exists,
    ),
    ContractRule(
        id="addon-stays",
        operations=("eks:UpdateClusterVersion",),
        condition="add-ons keep their version when the cluster's goes up",
        source=guide("eks-add-ons"),
        by="local/aws_endpoint/eks_clusters.py",
    ),
    ContractRule(
        id="identity-trust",
        operations=("eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation", *_ADDON),
        condition="the role does not exist, or does not trust pods.eks.amazonaws.com",
        code=_INVALID,
        words="Trust policy of role {arn} does not allow pods.eks.amazonaws.com to assume it",
        source=f"{guide('pod-id-role')} (the words are not AWS' own)",
        check=_identity_trust,
    ),
    ContractRule(
        id="identity-twice",
        operations=("eks:CreatePodIdentityAssociation",),
        condition="the service account has an association",
        code="ResourceInUseException",
        words="Association already exists",
        source=api("CreatePodIdentityAssociation"),
        by="local/aws_endpoint/eks_identity.py",
    ),
)
