"""Add-ons and pod identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.contract.rule import Asked, Checks


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


CHECKS: Checks = {
    "addon-unknown": _addon_unknown,
    "addon-version": _addon_version,
    "addon-configuration": _configuration,
    "addon-exists": _addon_exists,
    "identity-trust": _identity_trust,
}
