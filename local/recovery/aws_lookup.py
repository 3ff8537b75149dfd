"""Finding what a killed update made in AWS when only the provider knew its id.

Every resource of ours that AWS lets carry tags carries the stack's tags and a `Name` of its own, from the moment of
its creation (components/tags.py); the few others are told by what they connect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Client = Callable[[str, str], Any]
"""A boto3 client of a service in a region."""


@dataclass(frozen=True)
class ByTags:
    """How resources of a type are listed: `operation` of `service`, the list in the answer, the id in a row."""

    operation: str
    rows: str
    id: str
    dead_states: tuple[str, ...] = ()
    """Shown for a while after their end."""


# What AWS calls them: https://docs.aws.amazon.com/AWSEC2/latest/APIReference (read 2026-11-21).
EC2_BY_TAGS: Mapping[str, ByTags] = {
    "aws:ec2/eip:Eip": ByTags("describe_addresses", "Addresses", "AllocationId"),
    "aws:ec2/flowLog:FlowLog": ByTags("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "aws:ec2/internetGateway:InternetGateway": ByTags(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": ByTags("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "aws:ec2/natGateway:NatGateway": ByTags(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", ("deleting", "deleted", "failed")
    ),
    "aws:ec2/routeTable:RouteTable": ByTags("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws:ec2/subnet:Subnet": ByTags("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/vpc:Vpc": ByTags("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ByTags(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", ("deleting", "deleted", "failed")
    ),
}


def find(resource: Mapping[str, Any], region: str, client: Client) -> list[str]:
    """Ids that the resource of a pending create can have in AWS: none if it was not made.

    Raises LookupError for a type that cannot be looked for, botocore's errors when AWS cannot be asked.
    """
    kind, inputs = str(resource["type"]), resource.get("inputs") or {}
    if kind in EC2_BY_TAGS:
        return _by_tags(EC2_BY_TAGS[kind], inputs, client("ec2", region))
    finder = OTHERS.get(kind)
    if finder is None:
        raise LookupError(kind)
    return finder(inputs, region, client)


def can_be_looked_for(kind: str) -> bool:
    """True if `find` knows the type."""
    return kind in EC2_BY_TAGS or kind in OTHERS


def _by_tags(row: ByTags, inputs: Mapping[str, Any], ec2: Any) -> list[str]:
    tags = _tags(inputs)
    if "Name" not in tags:
        return []
    pages = ec2.get_paginator(row.operation).paginate() if ec2.can_paginate(row.operation) else [_all(ec2, row)]
    return [
        str(resource[row.id])
        for page in pages
        for resource in page[row.rows]
        if str(resource.get("State")) not in row.dead_states
        and tags.items() <= {tag["Key"]: tag["Value"] for tag in resource.get("Tags") or ()}.items()
    ]


def _all(ec2: Any, row: ByTags) -> Any:
    return getattr(ec2, row.operation)()


def _tags(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in (inputs.get("tags") or {}).items() if not key.startswith("__")}


def _association(inputs: Mapping[str, Any], region: str, client: Client) -> list[str]:
    """A subnet has one route table, so the two name the association."""
    tables = client("ec2", region).describe_route_tables(RouteTableIds=[inputs["routeTableId"]])["RouteTables"]
    return [
        str(association["RouteTableAssociationId"])
        for table in tables
        for association in table.get("Associations") or ()
        if association.get("SubnetId") and association["SubnetId"] == inputs.get("subnetId")
    ]


def _default_security_group(inputs: Mapping[str, Any], region: str, client: Client) -> list[str]:
    """Every VPC has one; "creating" it means taking it over."""
    groups = client("ec2", region).describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    )
    return [str(group["GroupId"]) for group in groups["SecurityGroups"]]


def _key(inputs: Mapping[str, Any], region: str, client: Client) -> list[str]:
    kms, wanted_tags, keys = client("kms", region), _tags(inputs), []
    for page in kms.get_paginator("list_keys").paginate():
        for row in page["Keys"]:
            described = kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"]
            if described["KeyManager"] != "CUSTOMER" or described["KeyState"] == "PendingDeletion":
                continue
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=row["KeyId"])["Tags"]}
            if wanted_tags and wanted_tags.items() <= tags.items():
                keys.append(str(row["KeyId"]))
    return keys


def _pod_identity(inputs: Mapping[str, Any], region: str, client: Client) -> list[str]:
    """A service account has one."""
    eks = client("eks", region)
    place = {key: inputs[key] for key in ("clusterName", "namespace", "serviceAccount")}
    try:
        rows = eks.list_pod_identity_associations(**place)["associations"]
    except eks.exceptions.ResourceNotFoundException:
        return []  # the cluster is gone, and it with it
    return [str(row["associationId"]) for row in rows]


OTHERS: Mapping[str, Callable[[Mapping[str, Any], str, Client], list[str]]] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _default_security_group,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity,
    "aws:kms/key:Key": _key,
}
