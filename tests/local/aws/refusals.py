"""Inputs that pass Check, and changes to them that it must refuse."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.needs import policy, trust

Inputs = dict[str, Any]
_ROLE = "arn:aws:iam::123456789012:role/r"

# Inputs that pass, per type; each refusal changes something in them.
GOOD: dict[str, Inputs] = {
    "aws:ec2/vpc:Vpc": {"cidrBlock": "10.0.0.0/16"},
    "aws:ec2/subnet:Subnet": {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"},
    "aws:ec2/route:Route": {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"},
    "aws:ec2/securityGroup:SecurityGroup": {"vpcId": "vpc-1"},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "securityGroupId": "sg-1",
        "ipProtocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
        "cidrIpv4": "10.0.0.0/8",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-west-2.s3"},
    "aws:ec2/flowLog:FlowLog": {"vpcId": "vpc-1", "trafficType": "ALL", "iamRoleArn": _ROLE},
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 100}}],
        "metadataOptions": {"httpTokens": "required"},
    },
    "aws:iam/role:Role": {"assumeRolePolicy": trust("ec2.amazonaws.com")},
    "aws:iam/policy:Policy": {"policy": policy("s3:GetObject")},
    "aws:kms/key:Key": {},
    "aws:kms/alias:Alias": {"name": "alias/x", "targetKeyId": "1"},
    "aws:cloudwatch/logGroup:LogGroup": {"retentionInDays": 30},
    "aws:eks/cluster:Cluster": {
        "roleArn": _ROLE,
        "version": "1.34",
        "vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]},
    },
    "aws:eks/nodeGroup:NodeGroup": {
        "clusterName": "c",
        "nodeRoleArn": _ROLE,
        "subnetIds": ["subnet-1"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "instanceTypes": ["g6.xlarge"],
        "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
    },
    "aws:eks/addon:Addon": {"clusterName": "c", "addonName": "coredns"},
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "clusterName": "c",
        "principalArn": _ROLE,
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        "accessScope": {"type": "cluster"},
    },
}
GOOD |= {
    "aws:acm/certificate:Certificate": {"domainName": "llm.example.com", "validationMethod": "DNS"},
    "aws:route53/record:Record": {
        "zoneId": "Z0123456789ABCDEFGHIJ",
        "name": "x.example.com",
        "type": "CNAME",
        "records": ["a.example.net."],
        "ttl": 300,
    },
}
_V, _S, _SG = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"
_LT, _NG = "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup"
_CL, _RULE = "aws:eks/cluster:Cluster", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_IAM = "aws:iam/role:Role"


def _ebs(**ebs: Any) -> Inputs:
    return {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", **ebs}}]}


def _statement(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# type, change, path that is named, words of the reason
REFUSED: list[tuple[str, Inputs, str, str]] = [
    # names and types
    (_V, {"cidrBlok": "10.0.0.0/16"}, "cidrBlok", 'Did you mean "cidrBlock"'),
    (_V, {"enableNetworkAddressUsageMetrics": True}, "enableNetworkAddressUsageMetrics", "does not implement"),
    (_V, {"enableDnsSupport": "yes"}, "enableDnsSupport", "true or false"),
    (_S, {"vpcId": None}, "vpcId", "required"),
    (_NG, {"scalingConfig": {"minSize": 0, "desiredSize": 1, "maxsize": 2}}, "scalingConfig.maxsize", "maxSize"),
    (_NG, {"scalingConfig": {"minSize": 0, "desiredSize": 1.5, "maxSize": 2}}, "scalingConfig.desiredSize", "whole"),
    (_NG, {"subnetIds": "subnet-1"}, "subnetIds", "a list"),
    # the service model: enums, patterns, lengths, ranges
    (_NG, {"amiType": "AL2023_x86_64_NVIDEA"}, "amiType", "AL2023_x86_64_NVIDIA"),
    (_NG, {"capacityType": "ONDEMAND"}, "capacityType", 'Did you mean "ON_DEMAND"'),
    (_NG, {"taints": [{"key": "k", "effect": "NoSchedule"}]}, "taints[0].effect", "NO_SCHEDULE"),
    (_NG, {"scalingConfig": {"minSize": -1, "desiredSize": 0, "maxSize": 2}}, "scalingConfig.minSize", "at least 0"),
    (_NG, {"updateConfig": {"maxUnavailablePercentage": 101}}, "updateConfig.maxUnavailablePercentage", "1 to 100"),
    (_LT, {"metadataOptions": {"httpTokens": "require"}}, "metadataOptions.httpTokens", 'Did you mean "required"'),
    (_CL, {"name": "-gpu"}, "name", "does not match"),
    (_CL, {"name": "x" * 101}, "name", "at most 100"),
    (_CL, {"accessConfig": {"authenticationMode": "IAM"}}, "accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
    (_IAM, {"name": "a b"}, "name", "does not match"),
    (_IAM, {"name": "x" * 65}, "name", "at most 64"),
    (_IAM, {"tags": {"aws:x": "1"}}, "tags", "reserved"),
    # what neither botocore nor moto finds
    (_V, {"cidrBlock": "10.0.0.1/16"}, "cidrBlock", "host bits"),
    (_V, {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "/16 to /28"),
    (_V, {"cidrBlock": "10.0.0.0"}, "cidrBlock", "prefix"),
    ("aws:ec2/route:Route", {"natGatewayId": "nat-1"}, "natGatewayId", "exactly one"),
    ("aws:ec2/route:Route", {"destinationCidrBlock": "internet"}, "destinationCidrBlock", "no network"),
    (_SG, {"name": "sg-mine"}, "name", "sg-"),
    (_SG, {"description": "größe"}, "description", "characters"),
    (
        _SG,
        {"ingress": [{"protocol": "tcp", "fromPort": 90, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}]},
        "ingress[0].toPort",
        "below fromPort",
    ),
    (
        _SG,
        {"egress": [{"protocol": "tcp", "fromPort": 0, "toPort": 70000, "cidrBlocks": ["10.0.0.0/8"]}]},
        "egress[0].toPort",
        "65535",
    ),
    (_RULE, {"ipProtocol": "http"}, "ipProtocol", "unknown protocol"),
    (_RULE, {"toPort": None}, "toPort", "port range"),
    (_RULE, {"referencedSecurityGroupId": "sg-2"}, "referencedSecurityGroupId", "exactly one"),
    (_RULE, {"cidrIpv4": "10.0.0.0/33"}, "cidrIpv4", "no network"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", {"serviceName": "s3"}, "serviceName", "com.amazonaws"),
    ("aws:ec2/flowLog:FlowLog", {"maxAggregationInterval": 300}, "maxAggregationInterval", "60 or 600"),
    (_LT, {"userData": "#!/bin/sh"}, "userData", "base64"),
    (_LT, {"instanceType": "g6.xxlarge"}, "instanceType", "Did you mean"),
    (_LT, _ebs(throughput=4000), "blockDeviceMappings[0].ebs.throughput", "125 to 2000"),
    (_LT, _ebs(throughput=1000, iops=3000), "blockDeviceMappings[0].ebs.throughput", "needs 4000 iops"),
    (_LT, _ebs(volumeSize=4, iops=9000), "blockDeviceMappings[0].ebs.iops", "per GiB"),
    (_LT, _ebs(volumeType="gp2", throughput=200), "blockDeviceMappings[0].ebs.throughput", "only gp3"),
    (_NG, {"scalingConfig": {"minSize": 3, "desiredSize": 3, "maxSize": 2}}, "scalingConfig.minSize", "above maxSize"),
    (_NG, {"scalingConfig": {"minSize": 2, "desiredSize": 1, "maxSize": 3}}, "scalingConfig.desiredSize", "below"),
    (_NG, {"instanceTypes": ["g6.xlarg"]}, "instanceTypes", 'Did you mean "g6.xlarge"'),
    (_NG, {"instanceTypes": ["g5g.xlarge"]}, "amiType", "arm64"),
    (_NG, {"launchTemplate": {"id": "lt-1", "version": "1"}, "diskSize": 20}, "diskSize", "launch template"),
    (
        _NG,
        {"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}},
        "updateConfig.maxUnavailablePercentage",
        "not both",
    ),
    (_CL, {"vpcConfig": {"subnetIds": ["subnet-1"]}}, "vpcConfig.subnetIds", "two availability zones"),
    (
        _CL,
        {"vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"], "endpointPublicAccess": False}},
        "vpcConfig.endpointPrivateAccess",
        "must be on",
    ),
    (
        _CL,
        {"vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"], "publicAccessCidrs": ["203.0.113.7/24"]}},
        "vpcConfig.publicAccessCidrs",
        "host bits",
    ),
    (_CL, {"enabledClusterLogTypes": ["apis"]}, "enabledClusterLogTypes", "none of"),
    (_CL, {"version": "1.34.2"}, "version", "minor version"),
    ("aws:eks/addon:Addon", {"configurationValues": "[1"}, "configurationValues", "neither JSON nor YAML"),
    (
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {"accessScope": {"type": "namespace"}},
        "accessScope.namespaces",
        "needs namespaces",
    ),
    (_IAM, {"assumeRolePolicy": "{"}, "assumeRolePolicy", "not valid JSON"),
    (_IAM, {"assumeRolePolicy": policy("sts:AssumeRole")}, "assumeRolePolicy", "needs a Principal"),
    (
        _IAM,
        {"assumeRolePolicy": _statement(Effect="allow", Principal="*", Action="sts:AssumeRole")},
        "assumeRolePolicy",
        '"Allow" or "Deny"',
    ),
    ("aws:iam/policy:Policy", {"policy": _statement(Effect="Allow", Action="s3:GetObject")}, "policy", "Resource"),
    (
        "aws:iam/policy:Policy",
        {"policy": _statement(Effect="Allow", Action="GetObject", Resource="*")},
        "policy",
        "is no action",
    ),
    (
        "aws:iam/policy:Policy",
        {"policy": _statement(Effect="Allow", Actions="s3:GetObject", Resource="*")},
        "policy",
        'Did you mean "Action"',
    ),
    ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays", "7 to 30"),
    ("aws:kms/alias:Alias", {"name": "x"}, "name", "begin with alias/"),
    ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 31}, "retentionInDays", "one of"),
    ("aws:acm/certificate:Certificate", {"validationMethod": None}, "validationMethod", "exactly one of"),
    ("aws:acm/certificate:Certificate", {"domainName": None}, "domainName", "required"),
    ("aws:acm/certificate:Certificate", {"domainName": "llm.example.com."}, "domainName", "does not match"),
    ("aws:acm/certificate:Certificate", {"privateKey": "x"}, "privateKey", "does not implement"),
    ("aws:route53/record:Record", {"type": "CNAM"}, "type", 'Did you mean "CNAME"'),
    ("aws:route53/record:Record", {"ttl": None}, "ttl", "no alias"),
    ("aws:route53/record:Record", {"aliases": [{"name": "x"}]}, "aliases", "does not implement"),
]
