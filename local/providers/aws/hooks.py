"""Network and launch template steps that take more than one operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.aws.cloud import AwsError, operation_model
from local.providers.aws.convert import Converter
from local.providers.aws.parameters import create_parameters
from local.providers.aws.project import same
from local.providers.aws.resource import LiveResource

Properties = dict[str, Any]


# -- internet gateway: one VPC at a time -------------------------------------------------------------------------


def attach_internet_gateway(resource: LiveResource) -> None:
    if resource.inputs.get("vpcId"):
        resource.call("attach_internet_gateway", {"InternetGatewayId": resource.id, "VpcId": resource.inputs["vpcId"]})


def _detach(resource: LiveResource, vpc_id: str | None) -> None:
    if vpc_id:
        resource.call("detach_internet_gateway", {"InternetGatewayId": resource.id, "VpcId": vpc_id})


def move_internet_gateway(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    if "vpcId" in changed:
        _detach(resource, old.get("vpcId"))
        attach_internet_gateway(resource)


def detach_internet_gateway(resource: LiveResource) -> None:
    attachments = resource.live.get("Attachments") or []
    for attachment in attachments:
        _detach(resource, attachment.get("VpcId"))


# -- routes written inside a route table -------------------------------------------------------------------------

_ROUTE_NAMES = {"cidrBlock": "DestinationCidrBlock", "ipv6CidrBlock": "DestinationIpv6CidrBlock"}
_ROUTE_TERM = "#ec2.RouteTableRoute"


def _route_parameters(resource: LiveResource, route: Mapping[str, Any], operation: str) -> dict[str, Any]:
    shape = operation_model("ec2", operation).input_shape
    values = {key: value for key, value in route.items() if value not in (None, "")}
    parameters: dict[str, Any] = Converter(_ROUTE_NAMES).structure(shape, values, "", "", given=("RouteTableId",))
    return {"RouteTableId": resource.id, **parameters}


def add_routes(resource: LiveResource) -> None:
    for route in resource.inputs.get("routes") or []:
        resource.call("create_route", _route_parameters(resource, route, "create_route"))


def change_routes(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    if "routes" not in changed:
        return
    before, after = old.get("routes") or [], resource.inputs.get("routes") or []
    for route in before:
        if not any(same(_ROUTE_TERM, route, other) for other in after):
            target = {key: route[key] for key in _ROUTE_NAMES if route.get(key)}
            resource.call("delete_route", _route_parameters(resource, target, "delete_route"))
    for route in after:
        if not any(same(_ROUTE_TERM, route, other) for other in before):
            resource.call("create_route", _route_parameters(resource, route, "create_route"))


def observe_routes(resource: LiveResource, seen: Properties) -> Properties:
    """The table's routes, without the VPC's own ones; only where the program manages them here."""
    if resource.inputs and "routes" not in resource.inputs:
        return {"routes": None}
    names = {
        "cidrBlock": "DestinationCidrBlock",
        "ipv6CidrBlock": "DestinationIpv6CidrBlock",
        "gatewayId": "GatewayId",
        "natGatewayId": "NatGatewayId",
        "transitGatewayId": "TransitGatewayId",
        "vpcPeeringConnectionId": "VpcPeeringConnectionId",
        "networkInterfaceId": "NetworkInterfaceId",
        "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    }
    routes = [
        {key: route[member] for key, member in names.items() if route.get(member)}
        for route in resource.live.get("Routes") or []
        if route.get("GatewayId") != "local" and not str(route.get("GatewayId", "")).startswith("vpce-")
    ]
    return {"routes": routes or None}


# -- VPC endpoints, flow logs ------------------------------------------------------------------------------------


def move_vpc_endpoint(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """ModifyVpcEndpoint takes additions and removals."""
    members = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}
    parameters: dict[str, Any] = {}
    for prop in changed.intersection(members):
        before, after = set(old.get(prop) or []), set(resource.inputs.get(prop) or [])
        for verb, ids in (("Add", after - before), ("Remove", before - after)):
            if ids:
                parameters[f"{verb}{members[prop]}"] = sorted(ids)
    if parameters:
        resource.call("modify_vpc_endpoint", {"VpcEndpointId": resource.id, **parameters})


def create_flow_log(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateFlowLogs takes a list of resources and answers with errors in a list of its own."""
    kinds = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
    prop = next(prop for prop in kinds if resource.inputs.get(prop))
    parameters, _ = create_parameters(resource.row, resource.inputs)
    answer = resource.call(
        "create_flow_logs",
        {**parameters, "ResourceIds": [resource.inputs[prop]], "ResourceType": kinds[prop], **tagged},
    )
    if answer.get("Unsuccessful"):
        error = answer["Unsuccessful"][0]["Error"]
        raise AwsError("ec2", "CreateFlowLogs", error["Code"], error["Message"])
    return str(answer["FlowLogIds"][0])


def observe_flow_log(resource: LiveResource, seen: Properties) -> Properties:
    watched = str(resource.live.get("ResourceId", ""))
    by_prefix = {"vpc-": "vpcId", "subnet-": "subnetId", "eni-": "eniId"}
    return {prop: watched for prefix, prop in by_prefix.items() if watched.startswith(prefix)}


# -- launch templates: a change is a new version -----------------------------------------------------------------


def set_default_version(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    version = None
    if resource.inputs.get("updateDefaultVersion"):
        template = resource.call("describe_launch_templates", {"LaunchTemplateIds": [resource.id]})
        version = template["LaunchTemplates"][0]["LatestVersionNumber"]
    elif "defaultVersion" in changed:
        version = resource.inputs.get("defaultVersion")
    if version:
        resource.call("modify_launch_template", {"LaunchTemplateId": resource.id, "DefaultVersion": str(version)})


def observe_launch_template(resource: LiveResource, seen: Properties) -> Properties:
    """The latest version's data, which DescribeLaunchTemplates does not give."""
    from local.providers.aws.convert import find_member
    from local.providers.aws.project import to_property
    from local.providers.aws.schema import resource_schema

    answer = resource.call(
        "describe_launch_template_versions", {"LaunchTemplateId": resource.id, "Versions": ["$Latest"]}
    )
    version = answer["LaunchTemplateVersions"][0]
    data = version["LaunchTemplateData"]
    # moto puts the template's own tags among those of what is launched from it; AWS does not.
    launched = [s for s in data.get("TagSpecifications", []) if s["ResourceType"] != "launch-template"]
    data = {**data, "TagSpecifications": launched}
    properties: Properties = {
        "description": version.get("VersionDescription"),
        "defaultVersion": resource.live.get("DefaultVersionNumber"),
    }
    row = resource.row
    for prop, term in resource_schema(row.token).outputs.items():
        if prop in seen or prop in properties:
            continue
        member = row.names.get(prop) or find_member(prop, data)
        value = to_property(term, data.get(member or ""), row.names, prop)
        if value is not None:
            properties[prop] = value
    return properties
