"""What the recording engine answers: outputs as AWS and Kubernetes give them by type, invokes by token.

Ids are made of the resource's name, so they are stable. Account 111122223333 is AWS's documentation account.
Shapes (list or map) follow the pulumi_aws 7 SDK, which asserts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "111122223333"
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")
# base64 of "certificate of the recorded cluster": clients only need it to be base64.
CERTIFICATE_AUTHORITY = "Y2VydGlmaWNhdGUgb2YgdGhlIHJlY29yZGVkIGNsdXN0ZXI="


@dataclass(frozen=True)
class Asked:
    """A resource to answer for."""

    type: str
    name: str
    inputs: dict[str, Any]
    region: str

    def id(self, prefix: str) -> str:
        """An EC2-like id: prefix and 17 hexadecimal digits."""
        return f"{prefix}-{digits(self.name)}"

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN in the test account."""
        return f"arn:aws:{service}:{self.region if regional else ''}:{ACCOUNT}:{resource}"

    @property
    def given_name(self) -> str:
        """Physical name: the one given, or one made as the provider does (name and seven digits)."""
        name = self.inputs.get("name")
        return name if isinstance(name, str) and name else f"{self.name}-{digits(self.name)[:7]}"


Answer = Callable[[Asked], dict[str, Any]]


def digits(name: str) -> str:
    """17 hexadecimal digits that belong to a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:17]


def _ec2(prefix: str, kind: str) -> Answer:
    def answer(asked: Asked) -> dict[str, Any]:
        identity = asked.id(prefix)
        return {"id": identity, "arn": asked.arn("ec2", f"{kind}/{identity}"), "ownerId": ACCOUNT}

    return answer


def _vpc(asked: Asked) -> dict[str, Any]:
    return {
        **_ec2("vpc", "vpc")(asked),
        "defaultSecurityGroupId": asked.id("sg"),
        "defaultRouteTableId": asked.id("rtb"),
        "mainRouteTableId": asked.id("rtb"),
        "defaultNetworkAclId": asked.id("acl"),
    }


def _launch_template(asked: Asked) -> dict[str, Any]:
    return {
        **_ec2("lt", "launch-template")(asked),
        "name": asked.given_name,
        "latestVersion": 1,
        "defaultVersion": 1,
    }


def _eks_cluster(asked: Asked) -> dict[str, Any]:
    name = asked.given_name
    number = digits(name)[:16].upper()
    vpc = {
        **asked.inputs.get("vpcConfig", {}),
        "vpcId": asked.id("vpc"),
        "clusterSecurityGroupId": asked.id("sg"),
    }
    return {
        "id": name,
        "name": name,
        "arn": asked.arn("eks", f"cluster/{name}"),
        "endpoint": f"https://{number}.gr7.{asked.region}.eks.amazonaws.com",
        "certificateAuthority": {"data": CERTIFICATE_AUTHORITY},
        "certificateAuthorities": [{"data": CERTIFICATE_AUTHORITY}],
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{asked.region}.amazonaws.com/id/{number}"}]}],
        "platformVersion": "eks.9",
        "status": "ACTIVE",
        "vpcConfig": vpc,
    }


def _eks_node_group(asked: Asked) -> dict[str, Any]:
    cluster = asked.inputs.get("clusterName", "cluster")
    name = asked.inputs.get("nodeGroupName") or f"{asked.name}-{digits(asked.name)[:7]}"
    return {
        "id": f"{cluster}:{name}",
        "nodeGroupName": name,
        "arn": asked.arn("eks", f"nodegroup/{cluster}/{name}/{digits(name)}"),
        "status": "ACTIVE",
        "resources": [{"autoscalingGroups": [{"name": f"eks-{name}-{digits(name)[:8]}"}]}],
    }


def _eks_addon(asked: Asked) -> dict[str, Any]:
    cluster, addon = asked.inputs.get("clusterName", "cluster"), asked.inputs["addonName"]
    return {"id": f"{cluster}:{addon}", "arn": asked.arn("eks", f"addon/{cluster}/{addon}/{digits(addon)}")}


def _eks_access_entry(asked: Asked) -> dict[str, Any]:
    return {"id": f"{asked.inputs.get('clusterName')}:{asked.inputs.get('principalArn')}"}


def _pod_identity(asked: Asked) -> dict[str, Any]:
    cluster, identity = asked.inputs.get("clusterName", "cluster"), f"a-{digits(asked.name)}"
    return {
        "id": identity,
        "associationId": identity,
        "associationArn": asked.arn("eks", f"podidentityassociation/{cluster}/{identity}"),
    }


def _role(asked: Asked) -> dict[str, Any]:
    name = asked.given_name
    return {
        "id": name,
        "name": name,
        "arn": asked.arn("iam", f"role/{name}", regional=False),
        "uniqueId": f"AROA{digits(name)[:16].upper()}",
    }


def _policy(asked: Asked) -> dict[str, Any]:
    arn = asked.arn("iam", f"policy/{asked.given_name}", regional=False)
    return {"id": arn, "arn": arn, "name": asked.given_name}


def _kms_key(asked: Asked) -> dict[str, Any]:
    n = digits(asked.name) + digits(asked.name + "+")
    identity = f"{n[:8]}-{n[8:12]}-{n[12:16]}-{n[16:20]}-{n[20:32]}"
    return {"id": identity, "keyId": identity, "arn": asked.arn("kms", f"key/{identity}")}


def _kms_alias(asked: Asked) -> dict[str, Any]:
    return {"id": asked.given_name, "name": asked.given_name, "arn": asked.arn("kms", asked.given_name)}


def _certificate(asked: Asked) -> dict[str, Any]:
    host = str(asked.inputs["domainName"])
    proof = {
        "domainName": host,
        "resourceRecordName": f"_{digits(host)}.{host}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{digits(f'{ACCOUNT}/{host}')}.acm-validations.aws.",
    }
    return {"arn": asked.arn("acm", f"certificate/{digits(asked.name)}"), "domainValidationOptions": [proof]}


def _log_group(asked: Asked) -> dict[str, Any]:
    name = asked.given_name
    return {"id": name, "name": name, "arn": asked.arn("logs", f"log-group:{name}")}


def _kubernetes(asked: Asked) -> dict[str, Any]:
    """An object of the Kubernetes provider: id `namespace/name`; a made-up name ends in 8 digits."""
    metadata = asked.inputs.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or f"{asked.name}-{digits(asked.name)[:8]}"
    namespace = metadata.get("namespace")
    return {
        "id": f"{namespace}/{name}" if namespace else name,
        "metadata": {**metadata, "name": name, "uid": digits(asked.name)},
    }


def _helm_release(asked: Asked) -> dict[str, Any]:
    name, namespace = asked.given_name, asked.inputs.get("namespace") or "default"
    status = {"status": "deployed", "name": name, "namespace": namespace, "revision": 1}
    return {"id": f"{namespace}/{name}", "name": name, "status": status}


def answer_for(answers: Mapping[str, Answer], asked: Asked) -> dict[str, Any]:
    """The table's answer; any other `kubernetes:` type is an API object; else nothing to add."""
    if asked.type in answers:
        return answers[asked.type](asked)
    return _kubernetes(asked) if asked.type.startswith("kubernetes:") else {}


ANSWERS: dict[str, Answer] = {
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway"),
    "aws:ec2/eip:Eip": lambda a: {
        "id": a.id("eipalloc"),
        "allocationId": a.id("eipalloc"),
        "publicIp": "192.0.2.1",
    },
    "aws:ec2/natGateway:NatGateway": _ec2("nat", "natgateway"),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint"),
    "aws:ec2/flowLog:FlowLog": _ec2("fl", "vpc-flow-log"),
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:eks/cluster:Cluster": _eks_cluster,
    "aws:eks/nodeGroup:NodeGroup": _eks_node_group,
    "aws:eks/addon:Addon": _eks_addon,
    "aws:eks/accessEntry:AccessEntry": _eks_access_entry,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity,
    "aws:iam/role:Role": _role,
    "aws:iam/policy:Policy": _policy,
    "aws:kms/key:Key": _kms_key,
    "aws:kms/alias:Alias": _kms_alias,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:acm/certificate:Certificate": _certificate,
    "aws:route53/record:Record": lambda asked: {"fqdn": str(asked.inputs["name"]).rstrip(".")},
    "aws:cloudwatch/eventRule:EventRule": lambda asked: {
        "name": asked.given_name,
        "arn": asked.arn("events", f"rule/{asked.given_name}"),
    },
    "aws:iam/instanceProfile:InstanceProfile": lambda asked: {
        "name": asked.given_name,
        "arn": asked.arn("iam", f"instance-profile/{asked.given_name}", regional=False),
    },
    "aws:sns/topic:Topic": lambda asked: {"name": asked.given_name, "arn": asked.arn("sns", asked.given_name)},
    "aws:sqs/queue:Queue": lambda asked: {
        "name": asked.given_name,
        "arn": asked.arn("sqs", asked.given_name),
        "url": f"https://sqs.{asked.region}.amazonaws.com/{ACCOUNT}/{asked.given_name}",
    },
    "kubernetes:helm.sh/v3:Release": _helm_release,
}


def _existing_cluster(args: dict[str, Any]) -> dict[str, Any]:
    asked = Asked("aws:eks/cluster:Cluster", args["name"], {"name": args["name"]}, args.get("region") or "us-west-2")
    cluster = _eks_cluster(asked)
    return {
        **{key: cluster[key] for key in ("id", "name", "arn", "endpoint", "identities", "status")},
        "certificateAuthorities": cluster["certificateAuthorities"],
        "version": "1.34",
        "vpcConfig": {**cluster["vpcConfig"], "subnetIds": [f"subnet-{digits(zone)}" for zone in ZONES]},
    }


def _existing_subnet(args: dict[str, Any]) -> dict[str, Any]:
    """An existing subnet's zone comes from its id: the last digit counts the zones."""
    identity = args.get("id", "subnet-0")
    zone = ZONES[int(identity[-1], 16) % len(ZONES)]
    return {"id": identity, "availabilityZone": zone, "vpcId": "vpc-0existing", "cidrBlock": "10.1.0.0/24"}


INVOKES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": lambda _: {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:role/deployer",
        "userId": "AROAEXAMPLE:deployer",
    },
    "aws:iam/getSessionContext:getSessionContext": lambda a: {"id": a["arn"], "arn": a["arn"], "issuerArn": a["arn"]},
    "aws:index/getPartition:getPartition": lambda _: {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
    },
    "aws:index/getRegion:getRegion": lambda a: {
        "id": a.get("region") or "us-west-2",
        "name": a.get("region") or "us-west-2",
        "region": a.get("region") or "us-west-2",
    },
    "aws:eks/getCluster:getCluster": _existing_cluster,
    "aws:eks/getClusters:getClusters": lambda _: {"id": "clusters", "names": []},
    "aws:eks/getAddonVersion:getAddonVersion": lambda a: {
        "id": a["addonName"],
        **a,
        "version": f"v{a['kubernetesVersion']}.0-eksbuild.1",
    },
    "aws:ec2/getSubnet:getSubnet": _existing_subnet,
}
