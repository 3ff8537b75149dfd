"""Capacity reservations and Capacity Blocks that managed pools take nodes from: they are there, and large enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planning.findings import listed
from planning.model import ExistingNetworkPlan, NodeGroupPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from preflight.questions.places import groups_of, subnets_of

_ABSENT = ("InvalidCapacityReservationId.NotFound", "InvalidCapacityReservationId.Malformed")
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html, `state`, 2026-11-27.
_LATER = ("pending", "scheduled", "payment-pending", "assessing", "delayed")


def _reserved(plan: StackPlan) -> list[tuple[str, NodeGroupPlan, str]]:
    """Path, group and reservation of each group that takes its nodes from a single one."""
    return [
        (path, group, group.reservation.id)
        for path, group in groups_of(plan)
        if group.reservation is not None and group.reservation.id is not None
    ]


def _ask(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    own = _reserved(plan)
    for path, group, name in own:
        where = f"{path}.capacity.id"
        response = aws.call("ec2", "describe_capacity_reservations", absent=_ABSENT, CapacityReservationIds=[name])
        if response is None or not response["CapacityReservations"]:
            said = f"{name} is no reservation of account {aws.caller['Account']} in {plan.region}"
            fix = "write one that is"
            yield Answer("reservations", where, Verdict.ERROR, said, fix=fix)
            continue
        reservation = response["CapacityReservations"][0]
        sharing = [other for _, other, theirs in own if theirs == name]
        wrong = [*_misfits(plan, aws, path, group, reservation), *_counts(path, sharing, reservation)]
        yield from wrong
        if not wrong:
            said = f"{reservation['TotalInstanceCount']} × {reservation['InstanceType']} in {_zone(reservation)}"
            end = f", until {reservation['EndDate']:%Y-%m-%d %H:%M} UTC" if reservation.get("EndDate") else ""
            yield Answer("reservations", where, Verdict.OK, f"{name}: {said}{end}")


def _misfits(
    plan: StackPlan, aws: AwsAccount, path: str, group: NodeGroupPlan, reservation: Mapping[str, Any]
) -> Iterator[Answer]:
    """What of the reservation is not what the pool asks for."""
    name, state = reservation["CapacityReservationId"], reservation["State"]
    is_block, wants_block = (
        reservation.get("ReservationType") == "capacity-block",
        group.capacity_type == "CAPACITY_BLOCK",
    )
    if is_block != wants_block:
        kind, other = ("a Capacity Block", "capacityBlock") if is_block else ("a capacity reservation", "reservation")
        said = f"{name} is {kind}"
        fix = f"write capacity: {{kind: {other}, id: {name}}}"
        yield Answer("reservations", f"{path}.capacity.kind", Verdict.ERROR, said, fix=fix)
    if reservation["InstanceType"] not in group.instance_types:
        said = f"{listed(group.instance_types)}, and {name} holds {reservation['InstanceType']}"
        fix = "write that"
        yield Answer("reservations", f"{path}.instanceTypes", Verdict.ERROR, said, fix=fix)
    zone = _zone(reservation)
    yield from _elsewhere(plan, aws, path, group, name, zone)
    if state in _LATER:
        since = f" until {reservation['StartDate']:%Y-%m-%d %H:%M} UTC" if reservation.get("StartDate") else ""
        said = f"{name} is {state}: nodes do not start{since}"
        yield Answer("reservations", f"{path}.capacity.id", Verdict.WARNING, said)
    elif state != "active":
        said = f"{name} is {state}: no node starts from it"
        fix = "write one that is active"
        yield Answer("reservations", f"{path}.capacity.id", Verdict.ERROR, said, fix=fix)


def _counts(path: str, sharing: list[NodeGroupPlan], reservation: Mapping[str, Any]) -> Iterator[Answer]:
    """Whether all pools of the reservation fit into it."""
    name, count = reservation["CapacityReservationId"], reservation["TotalInstanceCount"]
    pools = listed(group.name for group in sharing)
    for key, nodes, verdict in (
        ("minNodes", sum(group.min_nodes for group in sharing), Verdict.ERROR),
        ("maxNodes", sum(group.max_nodes for group in sharing), Verdict.WARNING),
    ):
        if nodes > count:
            said = f"{nodes} of {pools}, and {name} holds {count}: the others never start"
            fix = f"write {count} or less"
            yield Answer("reservations", f"{path}.{key}", verdict, said, fix=fix)
            return


def _zone(reservation: Mapping[str, Any]) -> str:
    return str(reservation["AvailabilityZone"])


def _elsewhere(
    plan: StackPlan, aws: AwsAccount, path: str, group: NodeGroupPlan, name: str, zone: str
) -> Iterator[Answer]:
    """Nodes that would start outside the reservation's zone."""
    if not isinstance(plan.network, ExistingNetworkPlan):
        if zone not in (group.zones or plan.network.zones):
            said = f"{name} stands in {zone}, where this pool has no subnet"
            fix = f"write zones: [{zone}], a zone of the network"
            yield Answer("reservations", f"{path}.zones", Verdict.ERROR, said, fix=fix)
        return
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets_of(plan, aws)}
    own = group.subnet_ids or plan.network.private_subnet_ids
    stray = [f"{subnet} in {zones[subnet]}" for subnet in own if zones.get(subnet, zone) != zone]
    if stray:
        good = [subnet for subnet in plan.network.private_subnet_ids if zones.get(subnet) == zone]
        instead = (
            f"write subnetIds: [{', '.join(good)}]" if good else f"add a subnet in {zone} to network.privateSubnetIds"
        )
        said = f"{name} stands in {zone}, and {listed(stray)} does not: nodes there never start"
        yield Answer("reservations", f"{path}.subnetIds", Verdict.ERROR, said, fix=instead)


def _guess(plan: StackPlan) -> str | None:
    own = _reserved(plan)
    if not own:
        return None
    return f"{listed(name for _, _, name in own)} are active, and hold maxNodes of their pools' type in their zone"


QUESTIONS = (Question("reservations", "nodePools", _guess, _ask),)
