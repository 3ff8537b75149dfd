"""Functions of the SDK (`aws.get_...`) that programs call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.providers.aws.answers import Answer, answer_of
from local.providers.aws.cloud import AwsError, Cloud
from local.providers.aws.invokes_eks import EKS
from local.providers.aws.policy_document import policy_document
from local.providers.aws.schema import did_you_mean, function_schema
from local.providers.rpc import ProviderError

_DNS = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}


def invoke(token: str, cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    """The function's answer; an argument that it does not have is an error."""
    parameters, outputs = function_schema(token)
    values = {key: value for key, value in args.items() if value is not None and not key.startswith("__")}
    for key in values:
        if key not in parameters:
            raise ProviderError(f'{token} has no argument "{key}".{did_you_mean(key, parameters)}')
    answer = INVOKES[token](cloud, values)
    if "region" in outputs and "region" not in answer:
        answer["region"] = values.get("region") or cloud.region
    return {key: value for key, value in answer.items() if value is not None}


def _caller_identity(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    identity = cloud.identity
    account = identity["Account"]
    return {"accountId": account, "id": account, "arn": identity["Arn"], "userId": identity["UserId"]}


def _session_context(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    """Of an assumed role's session the role, with its path; of anything else the ARN itself."""
    arn = str(args["arn"])
    match = re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/(?P<role>[^/]+)/(?P<session>.+)", arn)
    if match is None:
        return {"arn": arn, "id": arn, "issuerArn": arn, "issuerId": "", "issuerName": "", "sessionName": ""}
    try:
        role = cloud.call("iam", "get_role", {"RoleName": match["role"]})["Role"]
    except AwsError as error:
        if not error.is_not_found:
            raise
        role = {
            "Arn": arn.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/").rsplit("/", 1)[0],
            "RoleId": "",
        }
    return {
        "arn": arn,
        "id": arn,
        "issuerArn": role["Arn"],
        "issuerId": role["RoleId"],
        "issuerName": match["role"],
        "sessionName": match["session"],
    }


def _partition(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    suffix = _DNS[cloud.partition]
    reverse = ".".join(reversed(suffix.split(".")))
    return {"partition": cloud.partition, "id": cloud.partition, "dnsSuffix": suffix, "reverseDnsPrefix": reverse}


def _region(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    region = args.get("region") or args.get("name") or cloud.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": f"ec2.{region}.{_DNS[cloud.partition]}",
    }


def _availability_zones(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    region = args.get("region") or cloud.region
    filters = _filters(args)
    if args.get("state"):
        filters.append({"Name": "state", "Values": [args["state"]]})
    params: Answer = {"Filters": filters} if filters else {}
    if args.get("allAvailabilityZones"):
        params["AllAvailabilityZones"] = True
    zones = cloud.call("ec2", "describe_availability_zones", params, region)["AvailabilityZones"]
    kept = [
        zone
        for zone in zones
        if zone["ZoneName"] not in (args.get("excludeNames") or [])
        and zone["ZoneId"] not in (args.get("excludeZoneIds") or [])
    ]
    return {
        **args,
        "id": region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": sorted({zone.get("GroupName") or region for zone in kept}),
    }


def _filters(args: Mapping[str, Any]) -> list[Answer]:
    filters = [{"Name": one["name"], "Values": one["values"]} for one in args.get("filters") or []]
    filters += [{"Name": f"tag:{key}", "Values": [value]} for key, value in (args.get("tags") or {}).items()]
    return filters


def _ssm_parameter(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    params = {"Name": args["name"], "WithDecryption": args.get("withDecryption", True)}
    parameter = cloud.call("ssm", "get_parameter", params, args.get("region"))["Parameter"]
    plain_text = parameter["Type"] != "SecureString"
    return {
        "arn": parameter.get("ARN"),
        "id": parameter["Name"],
        "name": parameter["Name"],
        "type": parameter["Type"],
        "value": parameter["Value"],
        "insecureValue": parameter["Value"] if plain_text else None,
        "version": parameter["Version"],
        "withDecryption": params["WithDecryption"],
    }


def _one(kind: str, rows: list[Answer]) -> Answer:
    if len(rows) != 1:
        raise ProviderError(f"no matching {kind} found" if not rows else f"multiple {kind}s matched; use a filter")
    return rows[0]


def _describe(cloud: Cloud, operation: str, id_member: str, args: Mapping[str, Any]) -> Any:
    """Describe by id or by filters; the properties that the function takes are filters too."""
    filters = _filters(args)
    names = {
        "cidrBlock": "cidr-block" if operation == "describe_subnets" else "cidr",
        "vpcId": "vpc-id",
        "availabilityZone": "availability-zone",
        "state": "state",
    }
    filters += [{"Name": names[key], "Values": [args[key]]} for key in names if args.get(key)]
    if args.get("default") is not None and operation == "describe_vpcs":
        filters.append({"Name": "is-default", "Values": [str(args["default"]).lower()]})
    params: Answer = {id_member: [args["id"]]} if args.get("id") else {}
    if filters:
        params["Filters"] = filters
    try:
        return cloud.call("ec2", operation, params, args.get("region"))
    except AwsError as error:
        if error.is_not_found:
            raise ProviderError(f"no matching object found: {error}") from error
        raise


def _vpc(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    live = _one("EC2 VPC", _describe(cloud, "describe_vpcs", "VpcIds", args)["Vpcs"])
    region = args.get("region") or cloud.region
    answer = answer_of("aws:ec2/getVpc:getVpc", live, args, {"id": "VpcId", "default": "IsDefault"})
    for name, attribute in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
        params = {"VpcId": live["VpcId"], "Attribute": name}
        answer[name] = cloud.call("ec2", "describe_vpc_attribute", params, region)[attribute]["Value"]
    in_vpc = [{"Name": "vpc-id", "Values": [live["VpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
    tables = cloud.call("ec2", "describe_route_tables", {"Filters": in_vpc}, region)["RouteTables"]
    answer["mainRouteTableId"] = tables[0]["RouteTableId"] if tables else None
    answer["arn"] = f"arn:{cloud.partition}:ec2:{region}:{cloud.identity['Account']}:vpc/{live['VpcId']}"
    return answer


def _subnet(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    live = _one("EC2 Subnet", _describe(cloud, "describe_subnets", "SubnetIds", args)["Subnets"])
    paths = {"id": "SubnetId", "arn": "SubnetArn", "availableIpAddressCount": "AvailableIpAddressCount"}
    return answer_of("aws:ec2/getSubnet:getSubnet", live, args, paths)


def _subnets(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    subnets = _describe(cloud, "describe_subnets", "SubnetIds", args)["Subnets"]
    region = args.get("region") or cloud.region
    return {
        **args,
        "id": region,
        "ids": sorted(subnet["SubnetId"] for subnet in subnets),
        "tags": args.get("tags") or {},
    }


INVOKES: dict[str, Callable[[Cloud, Mapping[str, Any]], Answer]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:iam/getSessionContext:getSessionContext": _session_context,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:ssm/getParameter:getParameter": _ssm_parameter,
    "aws:iam/getPolicyDocument:getPolicyDocument": lambda _, args: policy_document(args),
    **EKS,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSubnets:getSubnets": _subnets,
}
