"""Route tables, routes, VPC endpoints and flow logs. Service: ec2."""

from __future__ import annotations

from local.providers.aws import checks, checks_network, hooks
from local.providers.aws.resources.network import ec2_tags
from local.providers.aws.table import Call, Ready, Row, UpdateCall

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
    checks=(checks_network.routes,),
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
        UpdateCall(
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
        UpdateCall(("policy",), Call("modify_vpc_endpoint", {"VpcEndpointId": "$id", "PolicyDocument": "$policy"})),
        UpdateCall(
            ("privateDnsEnabled",),
            Call("modify_vpc_endpoint", {"VpcEndpointId": "$id", "PrivateDnsEnabled": "$privateDnsEnabled"}),
        ),
    ),
    updatable=("routeTableIds", "subnetIds", "securityGroupIds"),
    on_update=hooks.move_vpc_endpoint,
    gone=Ready("State", ("deleted", "deleting")),
    tagging=ec2_tags("vpc-endpoint"),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}"},
    checks=(checks.json_document("policy"), checks_network.endpoint_service),
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
    checks=(checks.exactly_one(("vpcId", "subnetId", "eniId")), checks_network.flow_log),
)

ROWS = (ROUTE_TABLE, ROUTE, ROUTE_TABLE_ASSOCIATION, VPC_ENDPOINT, FLOW_LOG)
