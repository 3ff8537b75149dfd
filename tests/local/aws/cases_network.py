"""Examples of VPCs and what is in them."""

from __future__ import annotations

import base64

from tests.local.aws.needs import GATEWAY, GROUP, LOGS, ROLE, SUBNETS, TABLE, VPC, Case

CASES: tuple[Case, ...] = (
    Case(
        "aws:ec2/vpc:Vpc",
        {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"a": "1", "b": "2"}},
        update={"enableDnsHostnames": None, "tags": {"a": "1", "c": "3"}},
        replace={"cidrBlock": "10.1.0.0/16"},
        outputs=("arn", "mainRouteTableId", "defaultSecurityGroupId", "tagsAll", "ownerId"),
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        {"vpcId": "$vpc.id", "cidrBlock": "10.0.200.0/24", "availabilityZone": "us-west-2a"},
        needs=(VPC,),
        update={"mapPublicIpOnLaunch": True, "tags": {"kubernetes.io/role/elb": "1"}},
        replace={"availabilityZone": "us-west-2b"},
        outputs=("arn", "availabilityZoneId"),
    ),
    Case(
        "aws:ec2/internetGateway:InternetGateway",
        {"vpcId": "$vpc-without-gateway.id", "tags": {"a": "1"}},
        needs=(("vpc-without-gateway", *VPC[1:]),),
        update={"vpcId": None},
        outputs=("arn", "vpcId"),
    ),
    Case("aws:ec2/eip:Eip", {"domain": "vpc"}, update={"tags": {"a": "1"}}, outputs=("publicIp", "allocationId")),
    Case(
        "aws:ec2/natGateway:NatGateway",
        {"subnetId": "$subnet-a.id", "allocationId": "$ip.id"},
        needs=(VPC, *SUBNETS, ("ip", "aws:ec2/eip:Eip", {"domain": "vpc"})),
        update={"tags": {"a": "1"}},
        replace={"subnetId": "$subnet-b.id"},
        outputs=("publicIp", "privateIp"),
    ),
    Case(
        "aws:ec2/routeTable:RouteTable",
        {"vpcId": "$vpc.id", "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": "$igw.id"}]},
        needs=(VPC, GATEWAY),
        update={"routes": [{"cidrBlock": "10.9.0.0/16", "gatewayId": "$igw.id"}], "tags": {"a": "1"}},
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:ec2/route:Route",
        {"routeTableId": "$table.id", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "$igw.id"},
        needs=(VPC, GATEWAY, TABLE),
        replace={"destinationCidrBlock": "10.9.0.0/16"},
        outputs=("state", "origin"),
        import_id="{routeTableId}_{destinationCidrBlock}",
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        {"routeTableId": "$table.id", "subnetId": "$subnet-a.id"},
        needs=(VPC, *SUBNETS, TABLE),
        replace={"subnetId": "$subnet-b.id"},
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": "$vpc.id",
            "vpcEndpointType": "Gateway",
            "serviceName": "com.amazonaws.us-west-2.s3",
            "routeTableIds": ["$table.id"],
        },
        needs=(VPC, TABLE),
        update={"tags": {"a": "1"}},
        replace={"serviceName": "com.amazonaws.us-west-2.dynamodb"},
        outputs=("arn", "state"),
    ),
    Case(
        "aws:ec2/flowLog:FlowLog",
        {
            "vpcId": "$vpc.id",
            "trafficType": "REJECT",
            "logDestination": "$logs.arn",
            "iamRoleArn": "$role.arn",
            "maxAggregationInterval": 600,
        },
        needs=(VPC, LOGS, ROLE),
        update={"tags": {"a": "1"}},
        replace={"trafficType": "ALL"},
        outputs=("arn",),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        {
            "vpcId": "$vpc.id",
            "ingress": [
                {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8", "172.16.0.0/12"]}
            ],
            "egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
        },
        needs=(VPC,),
        update={
            "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}],
            "tags": {"a": "1"},
        },
        replace={"description": "another"},
        outputs=("arn", "name", "ownerId"),
    ),
    Case(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        {"vpcId": "$vpc.id", "ingress": [], "egress": [], "tags": {"a": "1"}},
        needs=(VPC,),
        update={"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]},
        outputs=("arn",),
        stays=True,
    ),
    Case(
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        {
            "type": "ingress",
            "securityGroupId": "$group.id",
            "protocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
            "cidrBlocks": ["10.0.0.0/8"],
        },
        needs=(VPC, GROUP),
        replace={"toPort": 90},
        importable=False,
    ),
    *(
        Case(
            f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
            {
                "securityGroupId": "$group.id",
                "ipProtocol": "tcp",
                "fromPort": 80,
                "toPort": 80,
                "cidrIpv4": "10.0.0.0/8",
            },
            needs=(VPC, GROUP),
            update={"tags": {"a": "1"}},
            replace={"toPort": 90},
            outputs=("securityGroupRuleId", "arn"),
        )
        for direction in ("Ingress", "Egress")
    ),
    Case(
        "aws:ec2/launchTemplate:LaunchTemplate",
        {
            "description": "nodes",
            "updateDefaultVersion": True,
            "ebsOptimized": "true",
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {
                        "volumeType": "gp3",
                        "volumeSize": 200,
                        "throughput": 250,
                        "iops": 3000,
                        "encrypted": "true",
                        "deleteOnTermination": "true",
                    },
                }
            ],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "monitoring": {"enabled": True},
            "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "node"}}],
            "userData": base64.b64encode(b"#!/bin/sh\n").decode(),
            "vpcSecurityGroupIds": ["$group.id"],
        },
        needs=(VPC, GROUP),
        update={"monitoring": {"enabled": False}, "tags": {"a": "1"}},
        replace={"name": "another"},
        outputs=("arn", "latestVersion", "defaultVersion", "name"),
    ),
)
