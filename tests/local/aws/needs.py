"""What an example of a row is, and the resources that examples need.

`$name.property` refers to an earlier resource of the same case (`needs`) by its logical name; what stands behind the
dot is JMESPath over what it has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Inputs = dict[str, Any]
Maker = Callable[[Inputs], str]
"""The id of what it made, as an owner of the account makes it."""


def trust(*services: str) -> str:
    principal = {"Service": list(services) if len(services) > 1 else services[0]}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
        }
    )


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


@dataclass(frozen=True)
class Case:
    """`update`/`replace` are merged into `inputs`; None removes. `replace_paths`: what Diff must name."""

    token: str
    inputs: Inputs
    needs: tuple[tuple[str, str | Maker, Inputs], ...] = ()
    """Name, and a type of the table, or what makes something that no row of ours is."""
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
ROLE = (
    "role",
    "aws:iam/role:Role",
    {"assumeRolePolicy": trust("eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com")},
)
NODE_ROLE = (
    "node-role",
    "aws:iam/role:Role",
    {"assumeRolePolicy": trust("ec2.amazonaws.com", "pods.eks.amazonaws.com")},
)
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
BUCKET = ("bucket", "aws:s3/bucket:Bucket", {})
FILES = ("files", "aws:efs/fileSystem:FileSystem", {})
TEMPLATE = (
    "template",
    "aws:ec2/launchTemplate:LaunchTemplate",
    {"metadataOptions": {"httpTokens": "required"}},
)
