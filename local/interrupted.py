"""After a killed `pulumi up`: what it was about to create may or may not be there.

The state names each such resource with its inputs but without an id. Where the id follows from the inputs, a refresh
can look: what is there is taken over, what is not is forgotten. (`pulumi refresh --import-pending-creates` of 3.258
says it does this and only forgets.) The id of a VPC or a NAT gateway was known to the
provider alone: then `up` begins anew with an empty platform. In a real account a person has to look for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Type -> id as the provider forms it, of inputs.
AWS_IDS: Mapping[str, str] = {
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:eks/accessEntry:AccessEntry": "{clusterName}:{principalArn}",
    "aws:eks/addon:Addon": "{clusterName}:{addonName}",
    "aws:eks/cluster:Cluster": "{name}",
    "aws:eks/nodeGroup:NodeGroup": "{clusterName}:{nodeGroupName}",
    "aws:iam/instanceProfile:InstanceProfile": "{name}",
    "aws:iam/role:Role": "{name}",
    "aws:kms/alias:Alias": "{name}",
}


def pending_creates(latest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Resources of a state that a killed update was creating."""
    operations = latest.get("pending_operations") or []
    return [operation["resource"] for operation in operations if operation["type"] == "creating"]


def probable_id(resource: Mapping[str, Any]) -> str | None:
    """The id that the resource has if it was created, or None where only the provider knew it."""
    inputs = resource.get("inputs") or {}
    if resource["type"].startswith("kubernetes:"):
        metadata = inputs.get("metadata") or inputs  # a Release has name and namespace of its own
        parts = [metadata.get("namespace"), metadata.get("name")]
        return "/".join(part for part in parts if part) if parts[1] else None
    template = AWS_IDS.get(resource["type"])
    try:
        return template.format_map(inputs) if template else None
    except KeyError:
        return None


def cannot_be_found(latest: Mapping[str, Any]) -> list[str]:
    """Names of pending AWS resources whose id nobody knows; made again, they would collide with themselves."""
    return [
        resource["urn"].rsplit("::", 1)[-1]
        for resource in pending_creates(latest)
        if resource["type"].startswith("aws:") and probable_id(resource) is None
    ]


def settled(deployment: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An exported deployment without pending operations, and the URNs in it that a refresh has to look for.

    Each resource whose id follows from its inputs is put into the state as if it were there; the refresh reads it,
    or removes it when it is not.
    """
    known = {resource["urn"] for resource in deployment.get("resources") or []}
    assumed = []
    for resource in pending_creates(deployment):
        live_id = probable_id(resource)
        if live_id and resource["urn"] not in known:
            assumed.append({**resource, "id": live_id, "outputs": resource.get("inputs") or {}})
    resources = [*(deployment.get("resources") or []), *assumed]
    return {**deployment, "resources": resources, "pending_operations": []}, [r["urn"] for r in assumed]
