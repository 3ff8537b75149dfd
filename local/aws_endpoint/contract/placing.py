"""Where a control plane stands and who reaches it: subnets, zones, endpoints."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks

# https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, "Subnet requirements": EKS makes no control
# plane interfaces there.
REFUSED_ZONE_IDS = ("use1-az3", "usw1-az2", "cac1-az3")
_UPDATE = ("eks:UpdateClusterConfig",)


def _vpc_config(asked: Asked) -> Mapping[str, Any]:
    config: Mapping[str, Any] = asked.given.get("resourcesVpcConfig") or {}
    return config


def subnet_missing(asked: Asked) -> Mapping[str, Any] | None:
    ids = _vpc_config(asked).get("subnetIds") or asked.given.get("subnets") or []
    known = {subnet.id for subnet in asked.world.subnets(ids)}
    return next(({"id": id_} for id_ in ids if id_ not in known), None)


def _one_zone(asked: Asked) -> Mapping[str, Any] | None:
    config = _vpc_config(asked)
    if "subnetIds" not in config and asked.operation in _UPDATE:
        return None
    zones = {subnet.availability_zone for subnet in asked.world.subnets(config.get("subnetIds") or [])}
    return {} if len(zones) < 2 else None


def _two_vpcs(asked: Asked) -> Mapping[str, Any] | None:
    vpcs = {subnet.vpc_id for subnet in asked.world.subnets(_vpc_config(asked).get("subnetIds") or [])}
    return {"vpcs": ", ".join(sorted(vpcs))} if len(vpcs) > 1 else None


def _refused_zone(asked: Asked) -> Mapping[str, Any] | None:
    for subnet in asked.world.subnets(_vpc_config(asked).get("subnetIds") or []):
        if asked.world.zone_id(subnet.availability_zone) in REFUSED_ZONE_IDS:
            good = [zone for zone in asked.world.zones() if asked.world.zone_id(zone) not in REFUSED_ZONE_IDS]
            name = asked.given.get("name")
            return {"name": name, "zone": subnet.availability_zone, "zones": ", ".join(good)}
    return None


def _groups_missing(asked: Asked) -> Mapping[str, Any] | None:
    ids = _vpc_config(asked).get("securityGroupIds") or []
    return next(({"id": id_} for id_ in ids if asked.world.ec2.get_security_group_from_id(id_) is None), None)


def _endpoints_off(asked: Asked) -> Mapping[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("name"))
    before = cluster.resources_vpc_config if cluster and asked.operation in _UPDATE else {}
    merged = {"endpointPublicAccess": True, "endpointPrivateAccess": False, **before, **_vpc_config(asked)}
    return {} if not merged["endpointPublicAccess"] and not merged["endpointPrivateAccess"] else None


def _private_cidrs(asked: Asked) -> Mapping[str, Any] | None:
    """EKS takes public IPv4 blocks only; the documentation networks are public by syntax and pass."""
    documentation = [ipaddress.IPv4Network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    for text in _vpc_config(asked).get("publicAccessCidrs") or []:
        block = ipaddress.IPv4Network(text)
        if text != "0.0.0.0/0" and block.is_private and not any(block.subnet_of(network) for network in documentation):
            return {"cidr": text}
    return None


CHECKS: Checks = {
    "cluster-subnet-missing": subnet_missing,
    "cluster-two-zones": _one_zone,
    "cluster-one-vpc": _two_vpcs,
    "cluster-zone": _refused_zone,
    "cluster-security-group": _groups_missing,
    "cluster-endpoints": _endpoints_off,
    "cluster-public-cidrs": _private_cidrs,
}
