"""After a killed `pulumi up`: what it was about to create may or may not be there.

The state names each such resource with its inputs but without an id. Where the id follows from the inputs, or AWS
tells it (aws_lookup), a refresh can look: what is there is taken over, what is not is forgotten.
(`pulumi refresh --import-pending-creates` of 3.258 says it does this and only forgets.)

What was being changed or deleted is in the state as it was before; a refresh says how it is now. Without one, an
`up` after a killed `destroy` would believe in what is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.recovery.aws_lookup import can_be_looked_for

# Type -> id as the provider forms it, of inputs.
AWS_IDS: Mapping[str, str] = {
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:ec2/route:Route": "r-{routeTableId}-{destinationCidrBlock}",  # read by its inputs, not by this
    "aws:eks/accessEntry:AccessEntry": "{clusterName}:{principalArn}",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "{clusterName}#{principalArn}#{policyArn}",
    "aws:eks/addon:Addon": "{clusterName}:{addonName}",
    "aws:eks/cluster:Cluster": "{name}",
    "aws:eks/nodeGroup:NodeGroup": "{clusterName}:{nodeGroupName}",
    "aws:iam/instanceProfile:InstanceProfile": "{name}",
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "{role}/{policyArn}",
    "aws:kms/alias:Alias": "{name}",
}

Find = Callable[[Mapping[str, Any]], Sequence[str]]
"""The ids that a resource of a pending create has in the cloud; none: not there; LookupError: cannot be looked for."""


def pending_operations(latest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a killed update had begun: {"type": "creating", "resource": {...}} and so on."""
    return list(latest.get("pending_operations") or [])


def pending_creates(latest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Resources of a state that a killed update was creating."""
    return [operation["resource"] for operation in pending_operations(latest) if operation["type"] == "creating"]


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
    """Names of pending AWS resources that cannot be looked up; recreated, they would collide with themselves."""
    return [
        name_of(resource)
        for resource in pending_creates(latest)
        if resource["type"].startswith("aws:")
        and probable_id(resource) is None
        and not can_be_looked_for(resource["type"])
    ]


def name_of(resource: Mapping[str, Any]) -> str:
    """The name in the program, out of the URN."""
    return str(resource["urn"]).rsplit("::", 1)[-1]


@dataclass
class Settlement:
    """A deployment without pending operations, and what became of each of them."""

    deployment: dict[str, Any]
    to_refresh: list[str] = field(default_factory=list)
    """URNs whose place in the state is an assumption until a refresh has looked."""
    lines: list[str] = field(default_factory=list)
    """One sentence per operation, for a person."""
    ambiguous: list[str] = field(default_factory=list)
    """Creates of which more than one is there: nothing is decided for them."""
    unknown: list[str] = field(default_factory=list)
    """Creates of types that cannot be looked for: nothing is decided for them either."""


def settled(deployment: Mapping[str, Any], find: Find) -> Settlement:
    """An exported deployment without pending operations.

    Each resource that may be there is put into the state with its id; the refresh of `to_refresh` reads it, or
    removes it when it is not there.
    """
    resources = list(deployment.get("resources") or [])
    known = {resource["urn"] for resource in resources}
    result = Settlement({**deployment, "resources": resources, "pending_operations": []})
    for operation in pending_operations(deployment):
        resource, kind = operation["resource"], operation["type"]
        if kind != "creating":
            result.lines.append(f"{name_of(resource)}: was {kind}; looking how it is")
            if resource["urn"] in known:
                result.to_refresh.append(resource["urn"])
            continue
        if resource.get("custom") is False:
            continue  # a component is in the state only: the next update registers it
        try:
            ids = [live] if (live := probable_id(resource)) else list(find(resource))
        except LookupError:
            result.unknown.append(f"{name_of(resource)} ({resource['type']})")
            continue
        if len(ids) > 1:
            result.ambiguous.append(f"{name_of(resource)}: {', '.join(ids)}")
        elif not ids:
            result.lines.append(f"{name_of(resource)}: was not made yet")
        elif resource["urn"] not in known:
            result.lines.append(f"{name_of(resource)}: taken over as {ids[0]}, if it is there")
            resources.append({**resource, "id": ids[0], "outputs": resource.get("inputs") or {}})
            known.add(resource["urn"])
            result.to_refresh.append(resource["urn"])
    return result
