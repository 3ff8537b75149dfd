"""VPC and what is in it: subnets, gateways, routes, endpoints, flow logs. Service: ec2."""

from __future__ import annotations

from local.providers.aws import checks, hooks
from local.providers.aws.table import Call, Ready, Row, Tagging, UpdateCall

EC2_TARGET = {"Resources": ["$id"]}


def ec2_tags(resource_type: str) -> Tagging:
    """Tags given at creation for `resource_type` and changed with CreateTags and DeleteTags."""
    return Tagging(EC2_TARGET, f"TagSpecifications:{resource_type}", "create_tags", "delete_tags")


def _attribute(prop: str, operation: str, identity: str, member: str) -> UpdateCall:
    """EC2's attributes, one per call: `{Member: {Value: x}}`."""
    call = Call(operation, {identity: "$id", member: {"Value": f"${prop}"}})
    return UpdateCall((prop,), call, on_create=True)


def _vpc_attribute(member: str) -> Call:
    name = member[0].lower() + member[1:]
    return Call("describe_vpc_attribute", {"VpcId": "$id", "Attribute": name}, f"{member}.Value")


_IN_VPC = [{"Name": "vpc-id", "Values": ["$id"]}]

VPC = Row(
    token="aws:ec2/vpc:Vpc",
    service="ec2",
    create=Call("create_vpc"),
    id="Vpc.VpcId",
    read=Call("describe_vpcs", {"VpcIds": ["$id"]}, "Vpcs[0]"),
    delete=(Call("delete_vpc", {"VpcId": "$id"}),),
    names={
        "assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock",
        "enableDnsSupport": None,
        "enableDnsHostnames": None,
    },
    changes=(
        _attribute("enableDnsSupport", "modify_vpc_attribute", "VpcId", "EnableDnsSupport"),
        _attribute("enableDnsHostnames", "modify_vpc_attribute", "VpcId", "EnableDnsHostnames"),
        UpdateCall(
            ("instanceTenancy",),
            Call("modify_vpc_tenancy", {"VpcId": "$id", "InstanceTenancy": "$instanceTenancy"}),
        ),
    ),
    defaults={"enableDnsSupport": True, "enableDnsHostnames": False, "instanceTenancy": "default"},
    unread=("assignGeneratedIpv6CidrBlock",),
    tagging=ec2_tags("vpc"),
    more={
        "enableDnsSupport": _vpc_attribute("EnableDnsSupport"),
        "enableDnsHostnames": _vpc_attribute("EnableDnsHostnames"),
        "mainRouteTableId": Call(
            "describe_route_tables",
            {"Filters": [*_IN_VPC, {"Name": "association.main", "Values": ["true"]}]},
            "RouteTables[0].RouteTableId",
        ),
        "defaultRouteTableId": Call(
            "describe_route_tables",
            {"Filters": [*_IN_VPC, {"Name": "association.main", "Values": ["true"]}]},
            "RouteTables[0].RouteTableId",
        ),
        "defaultSecurityGroupId": Call(
            "describe_security_groups",
            {"Filters": [*_IN_VPC, {"Name": "group-name", "Values": ["default"]}]},
            "SecurityGroups[0].GroupId",
        ),
        "defaultNetworkAclId": Call(
            "describe_network_acls",
            {"Filters": [*_IN_VPC, {"Name": "default", "Values": ["true"]}]},
            "NetworkAcls[0].NetworkAclId",
        ),
    },
    out={"arn": "arn:{partition}:ec2:{region}:{account}:vpc/{id}"},
    checks=(checks.cidr("cidrBlock", 16, 28),),
)

SUBNET = Row(
    token="aws:ec2/subnet:Subnet",
    service="ec2",
    create=Call("create_subnet"),
    id="Subnet.SubnetId",
    read=Call("describe_subnets", {"SubnetIds": ["$id"]}, "Subnets[0]"),
    delete=(Call("delete_subnet", {"SubnetId": "$id"}),),
    names={"mapPublicIpOnLaunch": None, "assignIpv6AddressOnCreation": None},
    changes=(
        _attribute("mapPublicIpOnLaunch", "modify_subnet_attribute", "SubnetId", "MapPublicIpOnLaunch"),
        _attribute("assignIpv6AddressOnCreation", "modify_subnet_attribute", "SubnetId", "AssignIpv6AddressOnCreation"),
    ),
    defaults={"mapPublicIpOnLaunch": False, "assignIpv6AddressOnCreation": False},
    exclusive=("vpcId", "cidrBlock"),
    tagging=ec2_tags("subnet"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:subnet/{id}"},
    checks=(checks.cidr("cidrBlock", 16, 28),),
)

INTERNET_GATEWAY = Row(
    token="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    create=Call("create_internet_gateway"),
    id="InternetGateway.InternetGatewayId",
    read=Call("describe_internet_gateways", {"InternetGatewayIds": ["$id"]}, "InternetGateways[0]"),
    delete=(Call("delete_internet_gateway", {"InternetGatewayId": "$id"}),),
    names={"vpcId": None},
    updatable=("vpcId",),
    live={"vpcId": "Attachments[0].VpcId"},
    tagging=ec2_tags("internet-gateway"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:internet-gateway/{id}"},
    after_create=hooks.attach_internet_gateway,
    on_update=hooks.move_internet_gateway,
    before_delete=hooks.detach_internet_gateway,
)

EIP = Row(
    token="aws:ec2/eip:Eip",
    service="ec2",
    create=Call("allocate_address", {"Domain": "vpc"}),
    id="AllocationId",
    read=Call("describe_addresses", {"AllocationIds": ["$id"]}, "Addresses[0]"),
    delete=(Call("release_address", {"AllocationId": "$id"}),),
    tagging=ec2_tags("elastic-ip"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}"},
)

NAT_GATEWAY = Row(
    token="aws:ec2/natGateway:NatGateway",
    service="ec2",
    create=Call("create_nat_gateway"),
    id="NatGateway.NatGatewayId",
    read=Call("describe_nat_gateways", {"NatGatewayIds": ["$id"]}, "NatGateways[0]"),
    delete=(Call("delete_nat_gateway", {"NatGatewayId": "$id"}),),
    names={"privateIp": "PrivateIpAddress"},
    live={
        "allocationId": "NatGatewayAddresses[0].AllocationId",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "associationId": "NatGatewayAddresses[0].AssociationId",
    },
    ready=Ready("State", ("available",), ("failed",)),
    gone=Ready("State", ("deleted",)),
    exclusive=("allocationId",),
    tagging=ec2_tags("natgateway"),
)

ROWS = (VPC, SUBNET, INTERNET_GATEWAY, EIP, NAT_GATEWAY)
