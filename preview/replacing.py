"""Which changes make a resource anew: what the providers call "forces new resource".

AWS: as terraform-provider-aws 6 does it (pulumi-aws 7 bridges it). Kubernetes: `forceNewProperties` of
pulumi-kubernetes 4.34, provider/pkg/provider/diff.go. Written 2026-11-21 from memory and measured notes, not yet
checked against the providers' schemas; only types that we register.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_AWS: Mapping[str, tuple[str, ...]] = {
    "cloudwatch/logGroup:LogGroup": ("name", "namePrefix", "logGroupClass"),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": ("vpcId",),
    "ec2/eip:Eip": ("domain", "address", "networkBorderGroup", "publicIpv4Pool"),
    "ec2/flowLog:FlowLog": (
        "vpcId", "trafficType", "logDestination", "logDestinationType", "logFormat", "iamRoleArn",
        "maxAggregationInterval", "destinationOptions",
    ),
    "ec2/launchTemplate:LaunchTemplate": ("name", "namePrefix"),
    "ec2/natGateway:NatGateway": ("allocationId", "connectivityType", "privateIp", "subnetId"),
    "ec2/route:Route": ("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
    "ec2/routeTable:RouteTable": ("vpcId",),
    "ec2/routeTableAssociation:RouteTableAssociation": ("subnetId", "gatewayId"),
    "ec2/securityGroup:SecurityGroup": ("name", "namePrefix", "description", "vpcId"),
    "ec2/subnet:Subnet": ("availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6Native", "outpostArn", "vpcId"),
    "ec2/vpc:Vpc": ("cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"),
    "ec2/vpcEndpoint:VpcEndpoint": ("serviceName", "serviceRegion", "vpcEndpointType", "vpcId"),
    "eks/accessEntry:AccessEntry": ("clusterName", "principalArn", "type"),
    "eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "accessScope", "clusterName", "policyArn", "principalArn",
    ),
    "eks/addon:Addon": ("addonName", "clusterName", "namespaceConfig"),
    "eks/cluster:Cluster": (
        "accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons", "encryptionConfig",
        "kubernetesNetworkConfig.ipFamily", "kubernetesNetworkConfig.serviceIpv4Cidr", "name", "outpostConfig",
        "roleArn",
    ),
    "eks/nodeGroup:NodeGroup": (
        "amiType", "capacityType", "clusterName", "diskSize", "instanceTypes", "launchTemplate.id",
        "launchTemplate.name", "nodeGroupName", "nodeGroupNamePrefix", "nodeRoleArn", "remoteAccess", "subnetIds",
    ),
    "eks/podIdentityAssociation:PodIdentityAssociation": ("clusterName", "namespace", "serviceAccount"),
    "iam/policy:Policy": ("description", "name", "namePrefix", "path"),
    "iam/role:Role": ("name", "namePrefix", "path"),
    "iam/rolePolicy:RolePolicy": ("name", "namePrefix", "role"),
    "iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn", "role"),
    "kms/alias:Alias": ("name", "namePrefix"),
    "kms/key:Key": ("customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion"),
}  # fmt: skip
_KUBERNETES: Mapping[str, tuple[str, ...]] = {
    "ConfigMap": ("binaryData", "data"),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completions", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": (
        "spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName",
    ),
    "Pod": ("spec",),
    "Release": ("name", "namespace"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Secret": ("data", "stringData", "type"),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "StorageClass": ("parameters", "provisioner"),
}  # fmt: skip
_EVERY_OBJECT = ("metadata.name", "metadata.namespace", "apiVersion", "kind")
_PROVIDERS = {"pulumi:providers:aws": ("region",)}


def replacing_paths(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Paths of a resource whose change makes it anew; what lies below a path counts with it."""
    token = str(resource["type"])
    always = tuple(resource.get("replaceOnChanges", ()))
    if token.startswith("aws:"):
        return (*_AWS.get(token.removeprefix("aws:"), ()), *always)
    if token.startswith("kubernetes:"):
        kind = token.rsplit(":", 1)[-1]
        common = () if kind == "Release" else _EVERY_OBJECT
        return (*common, *_KUBERNETES.get(kind, ()), *always)
    return (*_PROVIDERS.get(token, ()), *always)


def replaces(path: str, resource: Mapping[str, Any]) -> bool:
    """Whether a change at `path` (`spec.template.spec.containers[vllm].image`) makes the resource anew."""
    steps = _steps(path)
    for pattern in map(_steps, replacing_paths(resource)):
        shared = min(len(steps), len(pattern))
        if steps[:shared] == pattern[:shared]:
            return True
    return False


def _steps(path: str) -> list[str]:
    return [step for step in re.split(r"[.\[\]]+", path) if step]
