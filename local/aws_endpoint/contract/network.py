"""EC2: zones, addresses, quotas, and what holds a network that is to go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import MOTO, Asked, ContractRule
from local.aws_endpoint.contract.sources import EC2_ERRORS, VPC_QUOTAS, ec2_api, issue

_TAGGED = (
    *("ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:AllocateAddress"),
    *("ec2:CreateRouteTable", "ec2:CreateVpcEndpoint", "ec2:CreateLaunchTemplate", "ec2:CreateSecurityGroup"),
    "ec2:CreateTags",
)
MOST_TAGS = 50


def _quota(code: str, used: Any) -> Any:
    def check(asked: Asked) -> Mapping[str, Any] | None:
        quota = asked.account.quotas.get(code)
        return {"quota": quota} if quota is not None and used(asked) >= quota else None

    return check


def _nat_gateways(asked: Asked) -> int:
    """Those in the zone of the subnet that is asked for."""
    zone_of = {
        subnet.id: subnet.availability_zone for zone in asked.world.ec2.subnets.values() for subnet in zone.values()
    }
    block = zone_of.get(asked.given.get("SubnetId") or "")
    count: Counter[str | None] = Counter(
        zone_of.get(nat_gateway.subnet_id)
        for nat_gateway in asked.world.ec2.nat_gateways.values()
        if nat_gateway.state == "available"
    )
    return count[block]


def _rules(asked: Asked) -> int:
    group = asked.world.ec2.get_security_group_from_id(asked.given.get("GroupId"))
    if group is None:
        return 0
    rule_count = sum(
        len(ip_permission.get("IpRanges") or []) for ip_permission in asked.given.get("IpPermissions") or []
    )
    return len(group.ingress_rules) + max(1, rule_count) - 1


def _tags(asked: Asked) -> list[Mapping[str, Any]]:
    specified = [
        tag for specification in asked.given.get("TagSpecifications") or [] for tag in specification.get("Tags") or []
    ]
    return [*specified, *(asked.given.get("Tags") or [])]


def _held(asked: Asked) -> Mapping[str, Any] | None:
    subnet = asked.given["SubnetId"]
    return {"id": subnet} if asked.world.interfaces_in(subnet) else None


def _vpc_held(asked: Asked) -> Mapping[str, Any] | None:
    vpc = asked.given["VpcId"]
    held = [interface for interface in asked.world.ec2.enis.values() if interface.subnet.vpc_id == vpc]
    return {"id": vpc} if held else None


def _mapped(asked: Asked) -> Mapping[str, Any] | None:
    vpc = asked.given["VpcId"]
    for address in asked.world.ec2.addresses:
        if address.eni is not None and address.eni.subnet.vpc_id == vpc:
            return {"vpc": vpc}
    return None


def _group_held(asked: Asked) -> Mapping[str, Any] | None:
    group = asked.given.get("GroupId")
    for interface in asked.world.ec2.enis.values():
        if group in {each.id for each in interface.group_set}:
            return {"id": group}
    return None


def _address_in_use(asked: Asked) -> Mapping[str, Any] | None:
    for address in asked.world.ec2.addresses:
        if address.allocation_id == asked.given.get("AllocationId") and address.eni is not None:
            return {"id": address.allocation_id}
    return None


def _service(asked: Asked) -> Mapping[str, Any] | None:
    """Of another region, or with another partition's prefix."""
    name = asked.given.get("ServiceName") or ""
    prefix = "cn.com.amazonaws" if asked.world.partition == "aws-cn" else "com.amazonaws"
    # Both are listed in aws-cn for gateway endpoints (https://docs.amazonaws.cn/en_us/vpc/latest/privatelink/).
    good = {f"{prefix_allowed}.{asked.world.region}." for prefix_allowed in (prefix, "com.amazonaws")}
    return None if any(name.startswith(usable) for usable in good) else {"name": name}


RULES = (
    ContractRule(
        id="subnet-zone",
        operations=("ec2:CreateSubnet",),
        condition="the account has no availability zone of that name",
        code="InvalidParameterValue",
        words="Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
        "following availability zones: {zones}.",
        source=issue("TheSudoYT/terraform-aws-palworld", 9),
        by=MOTO,
    ),
    ContractRule(
        id="subnet-overlap",
        operations=("ec2:CreateSubnet",),
        condition="the block overlaps another subnet's",
        code="InvalidSubnet.Conflict",
        words="The CIDR '{cidr}' conflicts with another subnet",
        source=ec2_api("CreateSubnet"),
        by=MOTO,
    ),
    ContractRule(
        id="subnet-range",
        operations=("ec2:CreateSubnet",),
        condition="the block is not within the VPC's",
        code="InvalidSubnet.Range",
        words="The CIDR '{cidr}' is invalid.",
        source=ec2_api("CreateSubnet"),
        by=MOTO,
    ),
    ContractRule(
        id="vpc-range",
        operations=("ec2:CreateVpc",),
        condition="the block is larger than /16 or smaller than /28",
        code="InvalidVpc.Range",
        words="The CIDR '{cidr}' is invalid.",
        source=ec2_api("CreateVpc"),
        by=MOTO,
    ),
    ContractRule(
        id="vpc-quota",
        operations=("ec2:CreateVpc",),
        condition="quota L-F678F1CE, VPCs per Region (a new account: 5, one of them the default VPC)",
        code="VpcLimitExceeded",
        words="The maximum number of VPCs has been reached.",
        source=f"{VPC_QUOTAS}; {issue('terraform-aws-modules/terraform-aws-vpc', 429)}",
        check=_quota("L-F678F1CE", lambda asked: len(asked.world.ec2.vpcs)),
    ),
    ContractRule(
        id="address-quota",
        operations=("ec2:AllocateAddress",),
        condition="quota L-0263D0A3, EC2-VPC Elastic IPs (a new account: 5)",
        code="AddressLimitExceeded",
        words="The maximum number of addresses has been reached.",
        source=f"{VPC_QUOTAS}; {issue('hashicorp-education/learn-terraform-provision-eks-cluster', 59)}",
        check=_quota("L-0263D0A3", lambda asked: len(asked.world.ec2.addresses)),
    ),
    ContractRule(
        id="nat-quota",
        operations=("ec2:CreateNatGateway",),
        condition="quota L-FE5A380F, NAT gateways per Availability Zone (a new account: 5)",
        code="NatGatewayLimitExceeded",
        words="Performing this operation would exceed the limit of {quota} NAT gateways",
        source=VPC_QUOTAS,
        check=_quota("L-FE5A380F", _nat_gateways),
    ),
    ContractRule(
        id="security-group-rules-quota",
        operations=("ec2:AuthorizeSecurityGroupIngress",),
        condition="quota L-0EA8095F, rules per security group (a new account: 60)",
        code="RulesPerSecurityGroupLimitExceeded",
        words="The maximum number of rules per security group has been reached.",
        source=f"{VPC_QUOTAS}; {EC2_ERRORS}",
        check=_quota("L-0EA8095F", _rules),
    ),
    ContractRule(
        id="tag-reserved",
        operations=_TAGGED,
        condition="a tag key begins with aws:",
        code="InvalidParameterValue",
        words="Tag keys starting with 'aws:' are reserved for internal use",
        source=ec2_api("CreateTags"),
        check=lambda asked: {} if any(t["Key"].lower().startswith("aws:") for t in _tags(asked)) else None,
    ),
    ContractRule(
        id="tag-count",
        operations=_TAGGED,
        condition=f"more than {MOST_TAGS} tags",
        code="TagLimitExceeded",
        words="The maximum number of Tags for a resource has been reached.",
        source=EC2_ERRORS,
        check=lambda asked: {} if len(_tags(asked)) > MOST_TAGS else None,
    ),
    ContractRule(
        id="endpoint-service",
        operations=("ec2:CreateVpcEndpoint",),
        condition="the service is not one of the region",
        code="InvalidServiceName",
        words="The Vpc Endpoint Service '{name}' does not exist",
        source=ec2_api("CreateVpcEndpoint"),
        check=_service,
    ),
    ContractRule(
        id="subnet-held",
        operations=("ec2:DeleteSubnet",),
        condition="network interfaces are in the subnet: of nodes, NAT gateways, load balancers, or left behind by "
        "them",
        code="DependencyViolation",
        words="The subnet '{id}' has dependencies and cannot be deleted.",
        source=issue("eksctl-io/eksctl", 7589),
        check=_held,
    ),
    ContractRule(
        id="vpc-held",
        operations=("ec2:DeleteVpc",),
        condition="network interfaces are in the VPC",
        code="DependencyViolation",
        words="The vpc '{id}' has dependencies and cannot be deleted.",
        source=f"{EC2_ERRORS}; {issue('pulumi/pulumi-eks', 640, 1226)}",
        check=_vpc_held,
    ),
    ContractRule(
        id="security-group-held",
        operations=("ec2:DeleteSecurityGroup",),
        condition="network interfaces are in the group",
        code="DependencyViolation",
        words="resource {id} has a dependent object",
        source=f"{ec2_api('DeleteSecurityGroup')}; {issue('pulumi/pulumi-eks', 1226)}",
        since="2026-11-28",
        check=_group_held,
    ),
    ContractRule(
        id="gateway-mapped",
        operations=("ec2:DetachInternetGateway",),
        condition="a public address is mapped in the VPC (a NAT gateway's)",
        code="DependencyViolation",
        words="Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
        "detaching the gateway.",
        source=issue("dspace-group/dspace-reference-architecture-aws", 16),
        check=_mapped,
    ),
    ContractRule(
        id="address-in-use",
        operations=("ec2:ReleaseAddress",),
        condition="the address is a NAT gateway's",
        code="InvalidIPAddress.InUse",
        words="Address {id} is in use.",
        source=EC2_ERRORS,
        check=_address_in_use,
    ),
    ContractRule(
        id="interfaces-of-nodes",
        operations=("eks:CreateNodegroup", "eks:DeleteNodegroup"),
        condition="nodes bring network interfaces into their subnets; where the VPC CNI or its way to AWS has gone "
        "before "
        "the nodes, the interfaces stay",
        source=f"{issue('pulumi/pulumi', 8504)}; {issue('eksctl-io/eksctl', 1849)}",
        by="local/aws_endpoint/contract/rolling.py",
    ),
)
