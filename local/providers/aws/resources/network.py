"""VPC and what is in it: subnets, gateways, routes, endpoints, flow logs. Service: ec2."""

from __future__ import annotations

from local.providers.aws import checks, hooks
from local.providers.aws.table import Call, Change, Ready, Row, Tagging

EC2_TARGET = {"Resources": ["$id"]}


def ec2_tags(resource_type: str) -> Tagging:
    """Tags given at creation for `resource_type` and changed with CreateTags and DeleteTags."""
    return Tagging(EC2_TARGET, f"TagSpecifications:{resource_type}", "create_tags", "delete_tags")


def _attribute(prop: str, operation: str, identity: str, member: str) -> Change:
    """EC2's attributes, one per call: `{Member: {Value: x}}`."""
    call = Call(operation, {identity: "$id", member: {"Value": f"${prop}"}})
    return Change((prop,), call, on_create=True)


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
        Change(
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
        _attribute(
            "assignIpv6AddressOnCreation", "modify_subnet_attribute", "SubnetId", "AssignIpv6AddressOnCreation"
        ),
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

ROUTE_TABLE = Row(
    token="aws:ec2/routeTable:RouteTable",
    service="ec2",
    create=Call("create_route_table"),
    id="RouteTable.RouteTableId",
    read=Call("describe_route_tables", {"RouteTableIds": ["$id"]}, "RouteTables[0]"),
    delete=(Call("delete_route_table", {"RouteTableId": "$id"}),),
    names={"routes": None},
    updatable=("routes",),
    after_create=hooks.add_routes,
    on_update=hooks.change_routes,
    observe=hooks.observe_routes,
    tagging=ec2_tags("route-table"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:route-table/{id}"},
    checks=(checks.routes,),
)

_ROUTE_TARGETS = ("gatewayId", "natGatewayId", "transitGatewayId", "vpcPeeringConnectionId", "networkInterfaceId")
ROUTE = Row(
    token="aws:ec2/route:Route",
    service="ec2",
    create=Call("create_route"),
    id="r-{routeTableId}-{destinationCidrBlock}{destinationIpv6CidrBlock}{destinationPrefixListId}",
    id_is_template=True,
    read=Call(
        "describe_route_tables",
        {"RouteTableIds": ["$routeTableId"]},
        "RouteTables[0].Routes[?DestinationCidrBlock=='$destinationCidrBlock'"
        " || DestinationIpv6CidrBlock=='$destinationIpv6CidrBlock'"
        " || DestinationPrefixListId=='$destinationPrefixListId'] | [0]",
    ),
    delete=(
        Call(
            "delete_route",
            {
                "RouteTableId": "$routeTableId",
                "DestinationCidrBlock": "$destinationCidrBlock",
                "DestinationIpv6CidrBlock": "$destinationIpv6CidrBlock",
                "DestinationPrefixListId": "$destinationPrefixListId",
            },
        ),
    ),
    changes=(
        Change(
            _ROUTE_TARGETS,
            Call(
                "replace_route",
                {
                    "RouteTableId": "$routeTableId",
                    "DestinationCidrBlock": "$destinationCidrBlock",
                    "DestinationIpv6CidrBlock": "$destinationIpv6CidrBlock",
                    "DestinationPrefixListId": "$destinationPrefixListId",
                },
            ),
        ),
    ),
    exclusive=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"),
    import_id="{routeTableId}_{destinationCidrBlock}",
    checks=(
        checks.cidr("destinationCidrBlock", 0, 32),
        checks.exactly_one(("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")),
        checks.exactly_one((*_ROUTE_TARGETS, "vpcEndpointId", "egressOnlyGatewayId")),
    ),
)

ROUTE_TABLE_ASSOCIATION = Row(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    create=Call("associate_route_table"),
    id="AssociationId",
    read=Call(
        "describe_route_tables",
        {"Filters": [{"Name": "association.route-table-association-id", "Values": ["$id"]}]},
        "RouteTables[0].Associations[?RouteTableAssociationId=='$id'] | [0]",
    ),
    delete=(Call("disassociate_route_table", {"AssociationId": "$id"}),),
    exclusive=("subnetId", "gatewayId"),
    checks=(checks.exactly_one(("subnetId", "gatewayId")),),
)

VPC_ENDPOINT = Row(
    token="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    create=Call("create_vpc_endpoint"),
    id="VpcEndpoint.VpcEndpointId",
    read=Call("describe_vpc_endpoints", {"VpcEndpointIds": ["$id"]}, "VpcEndpoints[0]"),
    delete=(Call("delete_vpc_endpoints", {"VpcEndpointIds": ["$id"]}),),
    names={"policy": "PolicyDocument"},
    live={"policy": "PolicyDocument", "securityGroupIds": "Groups[].GroupId"},
    changes=(
        Change(("policy",), Call("modify_vpc_endpoint", {"VpcEndpointId": "$id", "PolicyDocument": "$policy"})),
        Change(
            ("privateDnsEnabled",),
            Call("modify_vpc_endpoint", {"VpcEndpointId": "$id", "PrivateDnsEnabled": "$privateDnsEnabled"}),
        ),
    ),
    updatable=("routeTableIds", "subnetIds", "securityGroupIds"),
    on_update=hooks.move_vpc_endpoint,
    gone=Ready("State", ("deleted", "deleting")),
    tagging=ec2_tags("vpc-endpoint"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}"},
    checks=(checks.json_document("policy"), checks.endpoint_service),
)

FLOW_LOG = Row(
    token="aws:ec2/flowLog:FlowLog",
    service="ec2",
    create=Call("create_flow_logs", {"ResourceIds": [], "ResourceType": ""}),  # create_flow_log fills them
    make=hooks.create_flow_log,
    id="FlowLogIds[0]",
    read=Call("describe_flow_logs", {"FlowLogIds": ["$id"]}, "FlowLogs[0]"),
    delete=(Call("delete_flow_logs", {"FlowLogIds": ["$id"]}),),
    names={
        "vpcId": None,
        "subnetId": None,
        "eniId": None,
        "iamRoleArn": "DeliverLogsPermissionArn",
    },
    live={"iamRoleArn": "DeliverLogsPermissionArn"},
    observe=hooks.observe_flow_log,
    exclusive=("vpcId", "subnetId", "eniId", "logDestination"),
    tagging=ec2_tags("vpc-flow-log"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{id}"},
    checks=(checks.exactly_one(("vpcId", "subnetId", "eniId")), checks.flow_log),
)

ROWS = (
    VPC,
    SUBNET,
    INTERNET_GATEWAY,
    EIP,
    NAT_GATEWAY,
    ROUTE_TABLE,
    ROUTE,
    ROUTE_TABLE_ASSOCIATION,
    VPC_ENDPOINT,
    FLOW_LOG,
)
