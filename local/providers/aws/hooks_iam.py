"""IAM and KMS steps that take more than one operation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.providers.aws.cloud import AwsError
from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource

_POLICY_VERSIONS = 5  # IAM keeps no more of one policy


def _attached(resource: LiveResource) -> list[str]:
    answer = resource.call("list_attached_role_policies", {"RoleName": resource.id})
    return [policy["PolicyArn"] for policy in answer["AttachedPolicies"]]


def attach_managed_policies(resource: LiveResource) -> None:
    for policy in resource.inputs.get("managedPolicyArns") or []:
        resource.call("attach_role_policy", {"RoleName": resource.id, "PolicyArn": policy})


def change_managed_policies(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    if "managedPolicyArns" not in changed:
        return
    before, after = set(old.get("managedPolicyArns") or []), set(resource.inputs.get("managedPolicyArns") or [])
    for policy in sorted(before - after):
        resource.call("detach_role_policy", {"RoleName": resource.id, "PolicyArn": policy})
    for policy in sorted(after - before):
        resource.call("attach_role_policy", {"RoleName": resource.id, "PolicyArn": policy})


def observe_managed_policies(resource: LiveResource, seen: Properties) -> Properties:
    """Only where the program lists them; otherwise they belong to RolePolicyAttachments."""
    return {"managedPolicyArns": _attached(resource) if "managedPolicyArns" in resource.inputs else None}


def release_role(resource: LiveResource) -> None:
    """What the real provider takes off a role before deleting it: instance profiles, and with
    forceDetachPolicies or managedPolicyArns also policies."""
    profiles = resource.call("list_instance_profiles_for_role", {"RoleName": resource.id})
    for profile in profiles["InstanceProfiles"]:
        resource.call(
            "remove_role_from_instance_profile",
            {"InstanceProfileName": profile["InstanceProfileName"], "RoleName": resource.id},
        )
    own = _attached(resource) if resource.inputs.get("forceDetachPolicies") else []
    for policy in own or resource.inputs.get("managedPolicyArns") or []:
        resource.call("detach_role_policy", {"RoleName": resource.id, "PolicyArn": policy})
    if resource.inputs.get("forceDetachPolicies"):
        for name in resource.call("list_role_policies", {"RoleName": resource.id})["PolicyNames"]:
            resource.call("delete_role_policy", {"RoleName": resource.id, "PolicyName": name})


# -- policies ----------------------------------------------------------------------------------------------------


def _old_versions(resource: LiveResource) -> list[str]:
    """Versions that are not the default, oldest first."""
    versions = resource.call("list_policy_versions", {"PolicyArn": resource.id})["Versions"]
    old = [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]
    return sorted(old, key=lambda name: int(name.removeprefix("v")))


def trim_policy_versions(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """Leaves room for the next version."""
    versions = _old_versions(resource)
    for version in versions[: max(0, len(versions) + 1 - (_POLICY_VERSIONS - 1))]:
        resource.call("delete_policy_version", {"PolicyArn": resource.id, "VersionId": version})


def delete_policy_versions(resource: LiveResource) -> None:
    for version in _old_versions(resource):
        resource.call("delete_policy_version", {"PolicyArn": resource.id, "VersionId": version})


def observe_policy(resource: LiveResource, seen: Properties) -> Properties:
    version = resource.live["DefaultVersionId"]
    answer = resource.call("get_policy_version", {"PolicyArn": resource.id, "VersionId": version})
    document = answer["PolicyVersion"]["Document"]
    return {"policy": document if isinstance(document, str) else json.dumps(document)}


# -- instance profiles, OIDC providers ---------------------------------------------------------------------------


def add_profile_role(resource: LiveResource) -> None:
    if resource.inputs.get("role"):
        resource.call(
            "add_role_to_instance_profile",
            {"InstanceProfileName": resource.id, "RoleName": resource.inputs["role"]},
        )


def _remove_profile_role(resource: LiveResource, role: str) -> None:
    resource.call("remove_role_from_instance_profile", {"InstanceProfileName": resource.id, "RoleName": role})


def change_profile_role(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    if "role" in changed:
        if old.get("role"):
            _remove_profile_role(resource, old["role"])
        add_profile_role(resource)


def remove_profile_role(resource: LiveResource) -> None:
    for role in resource.live.get("Roles") or []:
        _remove_profile_role(resource, role["RoleName"])


def change_client_ids(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    before, after = set(old.get("clientIdLists") or []), set(resource.inputs.get("clientIdLists") or [])
    for verb, ids in (("add_client_id_to", after - before), ("remove_client_id_from", before - after)):
        for client_id in sorted(ids) if "clientIdLists" in changed else []:
            resource.call(
                f"{verb}_open_id_connect_provider",
                {"OpenIDConnectProviderArn": resource.id, "ClientID": client_id},
            )


def observe_oidc(resource: LiveResource, seen: Properties) -> Properties:
    """IAM stores the URL without its scheme; the SDK's output has it as the program wrote it."""
    url = seen.get("url", "")
    said = resource.inputs.get("url") or ""
    live = f"https://{url.removeprefix('https://')}"
    return {"url": said if f"https://{said.removeprefix('https://')}" == live else live}


# -- KMS ---------------------------------------------------------------------------------------------------------


def set_key_state(resource: LiveResource) -> None:
    if resource.inputs.get("enableKeyRotation"):
        _enable_rotation(resource)
    if resource.inputs.get("isEnabled") is False:
        resource.call("disable_key", {"KeyId": resource.id})


def _enable_rotation(resource: LiveResource) -> None:
    period = resource.inputs.get("rotationPeriodInDays")
    resource.call("enable_key_rotation", {"KeyId": resource.id, **({"RotationPeriodInDays": period} if period else {})})


def change_key_state(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    if changed & {"enableKeyRotation", "rotationPeriodInDays"}:
        if resource.inputs.get("enableKeyRotation"):
            _enable_rotation(resource)
        else:
            resource.call("disable_key_rotation", {"KeyId": resource.id})
    if "isEnabled" in changed:
        enabled = resource.inputs.get("isEnabled", True)
        resource.call("enable_key" if enabled else "disable_key", {"KeyId": resource.id})


def observe_alias(resource: LiveResource, seen: Properties) -> Properties:
    """The program may name the key by id or ARN; an equal key is no difference."""
    key_id = seen.get("targetKeyId")
    said = resource.inputs.get("targetKeyId") or ""
    properties: Properties = {"targetKeyId": said if said.rsplit("/", 1)[-1] == key_id else key_id}
    try:
        properties["targetKeyArn"] = resource.call("describe_key", {"KeyId": key_id})["KeyMetadata"]["Arn"]
    except AwsError as error:
        if not error.is_not_found:
            raise
    return properties
