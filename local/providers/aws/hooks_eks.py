"""EKS steps: its updates take one kind of change per call, and labels and taints as additions and removals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.providers.aws.hooks import Properties
from local.providers.aws.parameters import create_parameters
from local.providers.aws.resource import LiveResource
from local.providers.aws.waiting import poll
from local.providers.rpc import ProviderError

UPDATE_TIMEOUT_SECONDS = 60 * 60
"""Of the real provider (node_group.go): nodes are drained one after another."""
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _logging(enabled: list[str]) -> dict[str, Any]:
    """All log types, each said to be on or off, as UpdateClusterConfig wants it."""
    states = ((True, [t for t in LOG_TYPES if t in enabled]), (False, [t for t in LOG_TYPES if t not in enabled]))
    return {"clusterLogging": [{"types": types, "enabled": on} for on, types in states if types]}


def logging_parameter(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`logging` of CreateCluster from enabledClusterLogTypes."""
    types = inputs.get("enabledClusterLogTypes")
    return {"logging": _logging(types)} if isinstance(types, list) and types else {}


def update_cluster(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """VPC settings (addresses and endpoints apart from subnets) and logging."""
    if "vpcConfig" in changed:
        parameters, _ = create_parameters(resource.row, {"vpcConfig": resource.inputs["vpcConfig"]})
        vpc_config = parameters["resourcesVpcConfig"]
        before, _ = create_parameters(resource.row, {"vpcConfig": old.get("vpcConfig") or {}})
        was = before["resourcesVpcConfig"]
        for members in (
            ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"),
            ("subnetIds", "securityGroupIds"),
        ):
            part = {name: vpc_config[name] for name in members if name in vpc_config}
            if part and any(vpc_config.get(name) != was.get(name) for name in members):
                resource.call("update_cluster_config", {"name": resource.id, "resourcesVpcConfig": part})
    if "enabledClusterLogTypes" in changed:
        types = resource.inputs.get("enabledClusterLogTypes") or []
        resource.call("update_cluster_config", {"name": resource.id, "logging": _logging(types)})


def update_node_group(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """Version, release and launch template in one UpdateNodegroupVersion; the rest in UpdateNodegroupConfig."""
    inputs = resource.inputs
    identity = {"clusterName": inputs["clusterName"], "nodegroupName": resource.value("nodeGroupName")}
    if changed & {"version", "releaseVersion", "launchTemplate"}:
        parameters = dict(identity)
        for prop in ("version", "releaseVersion"):
            if prop in changed and inputs.get(prop):
                parameters[prop] = inputs[prop]
        if "launchTemplate" in changed and inputs.get("launchTemplate"):
            # Id and name together are refused; the version is what changes.
            template = {key: value for key, value in inputs["launchTemplate"].items() if value is not None}
            template.pop("name" if template.get("id") else "id", None)
            parameters["launchTemplate"] = {key: str(value) for key, value in template.items()}
        if inputs.get("forceUpdateVersion"):
            parameters["force"] = True
        _wait(resource, identity, resource.call("update_nodegroup_version", parameters))
    config, _ = create_parameters(
        resource.row,
        {prop: inputs.get(prop) for prop in changed & {"scalingConfig", "updateConfig", "nodeRepairConfig"}},
    )
    if "labels" in changed:
        config["labels"] = _label_changes(old.get("labels") or {}, inputs.get("labels") or {})
    if "taints" in changed:
        config["taints"] = _taint_changes(old.get("taints") or [], inputs.get("taints") or [])
    if config:
        _wait(resource, identity, resource.call("update_nodegroup_config", {**identity, **config}))


def _wait(resource: LiveResource, identity: Mapping[str, str], answer: Mapping[str, Any]) -> None:
    """The real provider waits for the update, and fails with EKS' own words where it failed (node_group.go)."""
    asked = {
        "name": identity["clusterName"],
        "nodegroupName": identity["nodegroupName"],
        "updateId": answer["update"]["id"],
    }
    update: Mapping[str, Any] = {}

    def is_over() -> bool:
        nonlocal update
        update = resource.call("describe_update", asked)["update"]
        return bool(update["status"] != "InProgress")

    if not poll(is_over, resource.timeout_seconds or UPDATE_TIMEOUT_SECONDS):
        raise ProviderError(
            f"waiting for EKS Node Group ({resource.id}) update: timeout while waiting for state to become "
            "'Successful' (last state: 'InProgress')"
        )
    if update["status"] in ("Failed", "Cancelled"):
        errors = "; ".join(f"{error['errorCode']}: {error['errorMessage']}" for error in update.get("errors") or [])
        raise ProviderError(
            f"waiting for EKS Node Group ({resource.id}) update: unexpected state '{update['status']}', wanted target "
            f"'Successful'. last error: {errors}"
        )


def _label_changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    written = {key: value for key, value in after.items() if before.get(key) != value}
    removed = [key for key in before if key not in after]
    parts = {"addOrUpdateLabels": written, "removeLabels": removed}
    return {key: value for key, value in parts.items() if value}


def _taint_changes(before: list[dict[str, str]], after: list[dict[str, str]]) -> dict[str, Any]:
    """A taint is its key and effect; its value can be updated."""
    kept = {(taint["key"], taint["effect"]) for taint in after}
    written = [taint for taint in after if taint not in before]
    removed = [taint for taint in before if (taint["key"], taint["effect"]) not in kept]
    parts = {"addOrUpdateTaints": written, "removeTaints": removed}
    return {key: value for key, value in parts.items() if value}


def observe_addon(resource: LiveResource, seen: Properties) -> Properties:
    """DescribeAddon names pod identity associations by ARN; the SDK shows role and service account."""
    shown = []
    for arn in resource.live.get("podIdentityAssociations") or []:
        association = resource.call(
            "describe_pod_identity_association",
            {"clusterName": resource.value("clusterName"), "associationId": arn.rsplit("/", 1)[-1]},
        )["association"]
        shown.append({"roleArn": association["roleArn"], "serviceAccount": association["serviceAccount"]})
    said = resource.inputs.get("configurationValues")
    live = seen.get("configurationValues")
    equal = said and live and _same_document(said, live)
    return {"podIdentityAssociations": shown or None, "configurationValues": said if equal else live}


def _same_document(left: str, right: str) -> bool:
    try:
        return bool(json.loads(left) == json.loads(right))
    except ValueError:
        return left == right
