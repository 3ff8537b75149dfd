"""One example per row of the table: inputs, a change that is made in place, a change that replaces.

`$name.property` refers to an earlier resource of the same case (`needs`) by its logical name.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

Inputs = dict[str, Any]


def trust(service: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }
    )


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


@dataclass(frozen=True)
class Case:
    """`update`/`replace` are merged into `inputs`; None removes. `replace_paths`: what Diff must name."""

    token: str
    inputs: Inputs
    needs: tuple[tuple[str, str, Inputs], ...] = ()
    update: Inputs | None = None
    replace: Inputs | None = None
    outputs: tuple[str, ...] = ()
    """Outputs that must be there after creation."""
    importable: bool = True
    stays: bool = False
    """The object stays after delete (a VPC's default security group)."""
    import_id: str = ""
    """What `pulumi import` takes, with {input} and {id}; default: the id in state."""
    not_imported: tuple[str, ...] = ()
    """Inputs that an import leaves out: they may be resources of their own."""


VPC = ("vpc", "aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"})
SUBNETS = tuple(
    (
        f"subnet-{zone}",
        "aws:ec2/subnet:Subnet",
        {"vpcId": "$vpc.id", "cidrBlock": f"10.0.{i}.0/24", "availabilityZone": f"us-west-2{zone}"},
    )
    for i, zone in enumerate("ab")
)
GATEWAY = ("igw", "aws:ec2/internetGateway:InternetGateway", {"vpcId": "$vpc.id"})
TABLE = ("table", "aws:ec2/routeTable:RouteTable", {"vpcId": "$vpc.id"})
GROUP = ("group", "aws:ec2/securityGroup:SecurityGroup", {"vpcId": "$vpc.id"})
ROLE = ("role", "aws:iam/role:Role", {"assumeRolePolicy": trust("eks.amazonaws.com")})
NODE_ROLE = ("node-role", "aws:iam/role:Role", {"assumeRolePolicy": trust("ec2.amazonaws.com")})
LOGS = ("logs", "aws:cloudwatch/logGroup:LogGroup", {})
KEY = ("key", "aws:kms/key:Key", {"deletionWindowInDays": 7})
CLUSTER = (
    "cluster",
    "aws:eks/cluster:Cluster",
    {
        "roleArn": "$role.arn",
        "version": "1.34",
        "vpcConfig": {"subnetIds": ["$subnet-a.id", "$subnet-b.id"]},
        "accessConfig": {"authenticationMode": "API"},
    },
)
ON_CLUSTER = (VPC, *SUBNETS, ROLE, CLUSTER)
TEMPLATE = (
    "template",
    "aws:ec2/launchTemplate:LaunchTemplate",
    {"metadataOptions": {"httpTokens": "required"}},
)

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
    Case(
        "aws:iam/role:Role",
        {
            "assumeRolePolicy": trust("ec2.amazonaws.com"),
            "description": "nodes",
            "tags": {"a": "1", "b": "2"},
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"],
        },
        update={
            "assumeRolePolicy": trust("pods.eks.amazonaws.com"),
            "description": None,
            "maxSessionDuration": 7200,
            "tags": {"b": "3"},
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"],
        },
        replace={"path": "/nodes/"},
        outputs=("arn", "uniqueId", "createDate", "name"),
        not_imported=("managedPolicyArns",),
    ),
    Case(
        "aws:iam/policy:Policy",
        {"policy": policy("s3:GetObject")},
        update={"policy": policy("s3:PutObject"), "tags": {"a": "1"}},
        replace={"description": "another"},
        outputs=("arn", "policyId", "name"),
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        {"role": "$role.name", "policy": policy("s3:GetObject")},
        needs=(ROLE,),
        update={"policy": policy("s3:PutObject")},
        replace={"name": "another"},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"role": "$role.name", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
        needs=(ROLE,),
        replace={"policyArn": "arn:aws:iam::aws:policy/AmazonEKSVPCResourceController"},
    ),
    Case(
        "aws:iam/instanceProfile:InstanceProfile",
        {"role": "$role.name"},
        needs=(ROLE,),
        update={"role": None, "tags": {"a": "1"}},
        replace={"path": "/x/"},
        outputs=("arn", "uniqueId"),
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {
            "url": "https://oidc.eks.us-west-2.amazonaws.com/id/ABC",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"],
        },
        update={"clientIdLists": ["other"], "tags": {"a": "1"}},
        replace={"url": "https://oidc.eks.us-west-2.amazonaws.com/id/DEF"},
        outputs=("arn",),
    ),
    Case(
        "aws:kms/key:Key",
        {"description": "secrets", "enableKeyRotation": True, "deletionWindowInDays": 7},
        update={"description": "other", "enableKeyRotation": False, "tags": {"a": "1"}},
        replace={"multiRegion": True},
        outputs=("arn", "keyId", "policy"),
    ),
    Case(
        "aws:kms/alias:Alias",
        {"name": "alias/one", "targetKeyId": "$key.keyId"},
        needs=(KEY, ("key2", "aws:kms/key:Key", {})),
        update={"targetKeyId": "$key2.keyId"},
        replace={"name": "alias/two"},
        outputs=("arn", "targetKeyArn"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        {"name": "/aws/eks/x/cluster", "retentionInDays": 30, "tags": {"a": "1"}},
        update={"retentionInDays": None, "tags": {"b": "1"}},
        replace={"name": "/aws/eks/y/cluster"},
        outputs=("arn",),
    ),
    Case(
        "aws:eks/cluster:Cluster",
        {
            "name": "gpu",
            "roleArn": "$role.arn",
            "version": "1.34",
            "vpcConfig": {
                "subnetIds": ["$subnet-a.id", "$subnet-b.id"],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
            "upgradePolicy": {"supportType": "STANDARD"},
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {"provider": {"keyArn": "$key.arn"}, "resources": ["secrets"]},
            "bootstrapSelfManagedAddons": False,
            "deletionProtection": True,
        },
        needs=(VPC, *SUBNETS, ROLE, KEY),
        update={
            "version": "1.35",
            "vpcConfig": {
                "subnetIds": ["$subnet-b.id", "$subnet-a.id"],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
            "upgradePolicy": {"supportType": "EXTENDED"},
            "enabledClusterLogTypes": ["audit"],
            "zonalShiftConfig": {"enabled": True},
            "deletionProtection": False,
            "tags": {"a": "1"},
        },
        replace={"name": "other", "deletionProtection": False},
        outputs=("arn", "endpoint", "certificateAuthority", "identities", "platformVersion", "createdAt"),
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        {
            "clusterName": "$cluster.name",
            "nodeRoleArn": "$node-role.arn",
            "subnetIds": ["$subnet-a.id", "$subnet-b.id"],
            "amiType": "AL2023_x86_64_NVIDIA",
            "capacityType": "SPOT",
            "instanceTypes": ["g6.xlarge", "g5.xlarge"],
            "launchTemplate": {"id": "$template.id", "version": "1"},
            "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
            "updateConfig": {"maxUnavailable": 1},
            "nodeRepairConfig": {"enabled": True},
            "labels": {"accelerator": "nvidia", "gpu-type": "l4"},
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "tags": {"a": "1"},
        },
        needs=(*ON_CLUSTER, NODE_ROLE, TEMPLATE),
        update={
            "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 3},
            "updateConfig": {"maxUnavailable": 2},
            "labels": {"accelerator": "nvidia", "x": "y"},
            "taints": [{"key": "other", "value": "x", "effect": "NO_EXECUTE"}],
            "nodeRepairConfig": {"enabled": False},
            "tags": {"b": "1"},
        },
        replace={"instanceTypes": ["g5.xlarge", "g6.xlarge"]},
        outputs=("arn", "status", "resources", "releaseVersion", "version"),
    ),
    Case(
        "aws:eks/addon:Addon",
        {
            "clusterName": "$cluster.name",
            "addonName": "aws-ebs-csi-driver",
            "configurationValues": '{"controller": {"replicaCount": 1}}',
            "resolveConflictsOnCreate": "OVERWRITE",
            "resolveConflictsOnUpdate": "OVERWRITE",
            "podIdentityAssociations": [{"roleArn": "$role.arn", "serviceAccount": "ebs-csi-controller-sa"}],
        },
        needs=ON_CLUSTER,
        update={
            "addonVersion": "v1.53.0-eksbuild.1",
            "configurationValues": '{"controller": {"replicaCount": 2}}',
            "tags": {"a": "1"},
        },
        replace={"addonName": "coredns", "podIdentityAssociations": None},
        outputs=("arn", "addonVersion", "createdAt"),
    ),
    Case(
        "aws:eks/accessEntry:AccessEntry",
        {"clusterName": "$cluster.name", "principalArn": "arn:aws:iam::123456789012:role/admins/one"},
        needs=ON_CLUSTER,
        update={"kubernetesGroups": ["viewers"], "tags": {"a": "1"}},
        replace={"principalArn": "arn:aws:iam::123456789012:role/two"},
        outputs=("accessEntryArn", "createdAt", "userName"),
    ),
    Case(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {
            "clusterName": "$cluster.name",
            "principalArn": "$entry.principalArn",
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["models"]},
        },
        needs=(
            *ON_CLUSTER,
            (
                "entry",
                "aws:eks/accessEntry:AccessEntry",
                {"clusterName": "$cluster.name", "principalArn": "arn:aws:iam::123456789012:role/one"},
            ),
        ),
        replace={"accessScope": {"type": "cluster"}},
        outputs=("associatedAt",),
    ),
    Case(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        {
            "clusterName": "$cluster.name",
            "namespace": "models",
            "serviceAccount": "vllm",
            "roleArn": "$role.arn",
        },
        needs=(*ON_CLUSTER, NODE_ROLE),
        update={"roleArn": "$node-role.arn", "tags": {"a": "1"}},
        replace={"serviceAccount": "other"},
        outputs=("associationId", "associationArn"),
        import_id="{clusterName},{id}",
    ),
)
