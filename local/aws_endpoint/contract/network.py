"""EC2: zones, addresses, quotas, and what holds a network that is to go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks

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


CHECKS: Checks = {
    "vpc-quota": _quota("L-F678F1CE", lambda asked: len(asked.world.ec2.vpcs)),
    "address-quota": _quota("L-0263D0A3", lambda asked: len(asked.world.ec2.addresses)),
    "nat-quota": _quota("L-FE5A380F", _nat_gateways),
    "security-group-rules-quota": _quota("L-0EA8095F", _rules),
    "tag-reserved": lambda asked: {} if any(t["Key"].lower().startswith("aws:") for t in _tags(asked)) else None,
    "tag-count": lambda asked: {} if len(_tags(asked)) > MOST_TAGS else None,
    "endpoint-service": _service,
    "subnet-held": _held,
    "vpc-held": _vpc_held,
    "security-group-held": _group_held,
    "gateway-mapped": _mapped,
    "address-in-use": _address_in_use,
}
