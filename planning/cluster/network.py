"""The VPC's layout. Deployed stacks have these blocks: a change here replaces their subnets.

The VPC is cut into eighths. Zone i has private subnet = eighth i; the last eighth is cut again into eighths, of which
zone i's public subnet is the i-th. For 10.0.0.0/16: private /19 (8,187 addresses for nodes and pods), public /22.
Zones added at the end of the list move nothing.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

from planning.cluster.regions import default_zones
from planning.findings import Findings
from planning.model import CreateNetworkPlan, ExistingNetworkPlan, SubnetPlan
from settings.cluster import CreateCluster, CreateNetwork, NatGateways
from settings.stack import StackSettings

MOST_ZONES = 7  # the eighth eighth holds the public subnets
_EIGHTHS = 3  # bits


def private_cidr(vpc_cidr: str, zone_index: int) -> str:
    """Block of the private subnet in the i-th zone; raises IndexError beyond the seventh."""
    return _eighth(vpc_cidr, zone_index) if zone_index < MOST_ZONES else _beyond(zone_index)


def public_cidr(vpc_cidr: str, zone_index: int) -> str:
    """Block of the public subnet in the i-th zone; raises IndexError beyond the seventh."""
    return _eighth(_eighth(vpc_cidr, MOST_ZONES), zone_index) if zone_index < MOST_ZONES else _beyond(zone_index)


def zones_of(network: CreateNetwork, region: str) -> tuple[str, ...]:
    """The zones as written, or two that an account most likely has (preflight asks it)."""
    return network.zones or default_zones(region)


def plan_network(
    settings: StackSettings, production: bool, findings: Findings
) -> CreateNetworkPlan | ExistingNetworkPlan:
    """The network of a stack."""
    network = settings.network
    if not isinstance(network, CreateNetwork):
        return ExistingNetworkPlan(network.vpc_id, network.private_subnet_ids)
    zones = zones_of(network, settings.region)
    _check_zones(zones, settings.region, findings)
    if production and network.nat_gateways is NatGateways.SINGLE:
        findings.warning(
            "network.natGateways",
            "single-nat",
            "single: when that zone is down no node reaches the internet",
            "write natGateways: perZone",
        )
    usable = zones[:MOST_ZONES]
    subnets = [SubnetPlan(zone, private_cidr(network.cidr, i), public=False) for i, zone in enumerate(usable)]
    subnets += [SubnetPlan(zone, public_cidr(network.cidr, i), public=True) for i, zone in enumerate(usable)]
    return CreateNetworkPlan(
        cidr=network.cidr,
        zones=usable,
        subnets=tuple(subnets),
        nat_zones=usable[:1] if network.nat_gateways is NatGateways.SINGLE else usable,
        flow_logs=network.flow_logs,
        protect=isinstance(settings.cluster, CreateCluster) and settings.cluster.protect,
    )


def _check_zones(zones: tuple[str, ...], region: str, findings: Findings) -> None:
    for index, zone in enumerate(zones):
        if not zone.startswith(region):
            findings.error(
                f"network.zones[{index}]",
                "zone-region",
                f"{zone} is not in region {region}",
                f"write {', '.join(default_zones(region))}",
            )
    for zone, count in Counter(zones).items():
        if count > 1:
            findings.error("network.zones", "zone-twice", f"{zone} is listed {count} times", "list each zone once")
    if len(zones) > MOST_ZONES:
        findings.error(
            "network.zones", "zone-count", f"{len(zones)} zones; the address plan holds {MOST_ZONES}", "remove some"
        )


def _eighth(cidr: str, index: int) -> str:
    return str(list(ipaddress.ip_network(cidr).subnets(prefixlen_diff=_EIGHTHS))[index])


def _beyond(index: int) -> str:
    raise IndexError(f"zone {index + 1} of at most {MOST_ZONES}")
