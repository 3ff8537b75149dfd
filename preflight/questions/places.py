"""Zones, subnets, and what is sold in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planning.findings import listed
from planning.model import CreateNetworkPlan, ExistingNetworkPlan, NodeGroupPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

# EKS makes no control plane interfaces there (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html,
# "Subnet requirements", read 2026-11-27). Which letter that is differs by account.
REFUSED_ZONE_IDS = ("use1-az3", "usw1-az2", "cac1-az3")
# A node with the VPC CNI keeps one warm network interface of addresses; the smallest of ours has 10 or more.
ADDRESSES_PER_NODE = 16


@dataclass(frozen=True)
class Zones:
    """Zone name -> zone id, of those that the account has and may use."""

    ids: Mapping[str, str]

    @property
    def usable(self) -> list[str]:
        """Where EKS makes a control plane."""
        return sorted(name for name, zone_id in self.ids.items() if zone_id not in REFUSED_ZONE_IDS)


def zones_of(aws: AwsAccount) -> Zones:
    """The account's own availability zones in the region (no local zones)."""
    zones = aws.call("ec2", "describe_availability_zones", AllAvailabilityZones=False)["AvailabilityZones"]
    kept = [zone for zone in zones if zone.get("ZoneType", "availability-zone") == "availability-zone"]
    return Zones({zone["ZoneName"]: zone["ZoneId"] for zone in kept if zone["State"] == "available"})


def groups_of(plan: StackPlan) -> Iterator[tuple[str, NodeGroupPlan]]:
    """Node groups with the path of their settings."""
    yield "systemNodes", plan.system_nodes
    for index, group in enumerate(plan.gpu_pools):
        yield f"nodePools[{index}]", group


def _zones(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.network, CreateNetworkPlan)
    zones, account = zones_of(aws), aws.caller["Account"]
    instead = f"write zones: [{', '.join(zones.usable[: max(2, len(plan.network.zones))])}]"
    for zone in plan.network.zones:
        zone_id = zones.ids.get(zone)
        if zone_id is None:
            said = f"account {account} has no zone {zone} (it has {listed(sorted(zones.ids))})"
            yield Answer("zones", "network.zones", Verdict.ERROR, said, fix=instead)
        elif zone_id in REFUSED_ZONE_IDS:
            said = f"{zone} is {zone_id} in account {account}, where EKS makes no control plane"
            yield Answer("zones", "network.zones", Verdict.ERROR, said, fix=instead)
        else:
            yield Answer("zones", "network.zones", Verdict.OK, f"{zone} is {zone_id}")


def _subnets(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.network, ExistingNetworkPlan)
    path, subnet_ids = "network.privateSubnetIds", plan.network.private_subnet_ids
    subnets = {subnet["SubnetId"]: subnet for subnet in subnets_of(plan, aws)}
    for index, subnet_id in enumerate(subnet_ids):
        if subnet_id not in subnets:
            said = f"{subnet_id} does not exist in {plan.region}"
            fix = "write one of the VPC's private subnets"
            yield Answer("subnets", f"{path}[{index}]", Verdict.ERROR, said, fix=fix)
        elif subnets[subnet_id]["VpcId"] != plan.network.vpc_id:
            said = f"{subnet_id} is in {subnets[subnet_id]['VpcId']}, not in network.vpcId {plan.network.vpc_id}"
            yield Answer("subnets", f"{path}[{index}]", Verdict.ERROR, said, fix="write subnets of one VPC")
    zones = {subnet["AvailabilityZone"] for subnet in subnets.values()}
    if subnets and len(zones) < 2:
        said = f"all are in {', '.join(zones)}; EKS wants two zones"
        fix = "add a subnet in another"
        yield Answer("subnets", path, Verdict.ERROR, said, fix=fix)
    free = sum(int(subnet["AvailableIpAddressCount"]) for subnet in subnets.values())
    needed = ADDRESSES_PER_NODE * sum(group.max_nodes for _, group in groups_of(plan))
    if subnets and free < needed:
        said = f"{free} addresses are free, and {needed} go to pods and nodes at most nodes"
        fix = "add a larger subnet"
        yield Answer("subnets", path, Verdict.WARNING, said, fix=fix)
    elif len(subnets) == len(subnet_ids):
        yield Answer("subnets", path, Verdict.OK, f"{len(subnets)} in {listed(sorted(zones))}, {free} addresses free")


def subnets_of(plan: StackPlan, aws: AwsAccount) -> list[Mapping[str, str]]:
    """Those of the network's subnets that exist."""
    assert isinstance(plan.network, ExistingNetworkPlan)
    ids = list(plan.network.private_subnet_ids)
    return aws.pages("ec2", "describe_subnets", "Subnets", Filters=[{"Name": "subnet-id", "Values": ids}])


def _types(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    """EKS refuses a group with a type that is not sold in the zone of one of its subnets."""
    names = sorted({name for _, group in groups_of(plan) for name in group.instance_types})
    offers = aws.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone-id",
        Filters=[{"Name": "instance-type", "Values": names}],
    )
    sold = {(offer["InstanceType"], offer["Location"]) for offer in offers}
    by_subnet: dict[str, str] = {}
    if isinstance(plan.network, CreateNetworkPlan):
        ids = dict(zones_of(aws).ids)
        network = plan.network.zones
    else:
        subnets = subnets_of(plan, aws)
        ids = {subnet["AvailabilityZone"]: subnet["AvailabilityZoneId"] for subnet in subnets}
        by_subnet = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}
        network = tuple(ids)
    for path, group in groups_of(plan):
        own = tuple(dict.fromkeys(by_subnet[subnet] for subnet in group.subnet_ids if subnet in by_subnet))
        for name in group.instance_types:
            yield _sold(name, f"{path}.instanceTypes", group.zones or own or network, ids, sold, plan.region, by_subnet)


def _sold(
    name: str,
    path: str,
    zones: tuple[str, ...],
    ids: Mapping[str, str],
    sold: set[tuple[str, str]],
    region: str,
    subnets: Mapping[str, str],
) -> Answer:
    where = sorted(zone for zone, zone_id in ids.items() if (name, zone_id) in sold)
    missing = [zone for zone in zones if zone in ids and zone not in where]
    if not where:
        said = f"{name} is not sold in {region}"
        fix = "write a type that is, or another region"
        return Answer("types", path, Verdict.ERROR, said, fix=fix)
    if missing:
        good = [zone for zone in where if zone in zones]
        instead = _instead(path, good or where, everywhere=path.startswith("systemNodes") or not good, subnets=subnets)
        said = f"{name} is not sold in {listed(missing)}, and EKS refuses the group (it is sold in {listed(where)})"
        return Answer("types", path, Verdict.ERROR, said, fix=instead)
    return Answer("types", path, Verdict.OK, f"{name} is sold in {listed(zone for zone in zones if zone in where)}")


def _instead(path: str, good: list[str], everywhere: bool, subnets: Mapping[str, str]) -> str:
    """What to write: zones of a network of ours, subnets of one that exists."""
    if not subnets:
        return f"write {'network.zones' if everywhere else 'zones of the pool'}: [{', '.join(good)}]"
    there = [subnet for subnet, zone in subnets.items() if zone in good]
    if not there:
        return f"add a subnet in {listed(good)} to network.privateSubnetIds"
    return f"write {'network.privateSubnetIds' if everywhere else 'subnetIds of the pool'}: [{', '.join(there)}]"


def _zones_guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.network, CreateNetworkPlan):
        return None
    return f"the account has {listed(plan.network.zones)}, and EKS takes them (names differ by account)"


def _subnets_guess(plan: StackPlan) -> str | None:
    if isinstance(plan.network, CreateNetworkPlan):
        return None
    return f"{listed(plan.network.private_subnet_ids)} exist in {plan.network.vpc_id}, in two zones or more"


def _types_guess(plan: StackPlan) -> str:
    names = dict.fromkeys(name for _, group in groups_of(plan) for name in group.instance_types)
    return f"{listed(names)} are sold in every zone of their pools"


QUESTIONS = (
    Question("zones", "network.zones", _zones_guess, _zones),
    Question("subnets", "network.privateSubnetIds", _subnets_guess, _subnets),
    Question("types", "nodePools", _types_guess, _types),
)
