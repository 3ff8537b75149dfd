"""Nodes of managed pools that are taken from capacity reservations and Capacity Blocks for ML: what AWS wants of them.

Sources, 2026-11-27: https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html,
https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html. How many instances a
reservation has, of which type and where, only AWS knows: preflight/questions/reservations.py.
"""

from __future__ import annotations

from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import CreateNetworkPlan, ExistingNetworkPlan, ReservationPlan
from planning.nodes.instances import instance_types
from settings.capacity import CapacityBlock, OnDemand, Reservation, Spot
from settings.pools import KarpenterPool, ManagedPool
from settings.stack import StackSettings

CAPACITY_TYPES = {
    "onDemand": "ON_DEMAND",
    "spot": "SPOT",
    "reservation": "ON_DEMAND",
    "capacityBlock": "CAPACITY_BLOCK",
}
"""EKS' word by ours."""


def target(capacity: OnDemand | Spot | Reservation | CapacityBlock) -> ReservationPlan | None:
    """What nodes are taken from; None: from what EC2 has left."""
    if isinstance(capacity, Reservation):
        return ReservationPlan(capacity.id, capacity.resource_group_arn)
    return ReservationPlan(capacity.id) if isinstance(capacity, CapacityBlock) else None


@cache
def block_families() -> tuple[str, ...]:
    """Families with Capacity Blocks."""
    return tuple(row["family"] for row in rows("capacity_blocks.csv"))


def check_reservations(
    settings: StackSettings, network: CreateNetworkPlan | ExistingNetworkPlan, production: bool, findings: Findings
) -> None:
    """What a pool on reserved instances must not be, in this stack."""
    _check_shared(settings, findings)
    for index, pool in enumerate(settings.node_pools):
        if not isinstance(pool, ManagedPool):
            continue
        path, capacity = f"nodePools[{index}]", pool.capacity
        if isinstance(capacity, CapacityBlock):
            _check_block(pool, path, settings, production, findings)
        if isinstance(capacity, Reservation | CapacityBlock) and capacity.id is not None:
            _check_place(pool, path, network, findings)
        if isinstance(capacity, Reservation) and capacity.resource_group_arn is not None:
            _check_region(capacity.resource_group_arn, path, settings, findings)


def _check_place(
    pool: ManagedPool, path: str, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> None:
    """A reservation is of one type in one zone; elsewhere its instances do not start."""
    if len(set(pool.instance_types)) > 1:
        findings.error(
            f"{path}.instanceTypes",
            "reservation-one-type",
            f"[{', '.join(pool.instance_types)}], and a reservation holds one type: nodes of the others never start",
            "keep its own",
        )
    if isinstance(network, ExistingNetworkPlan):
        if not pool.subnet_ids:
            reservation = pool.capacity.id if isinstance(pool.capacity, Reservation | CapacityBlock) else None
            findings.error(
                f"{path}.subnetIds",
                "reservation-one-zone",
                f"missing: {reservation} stands in one zone, network.privateSubnetIds lists "
                f"{len(network.private_subnet_ids)} subnets whose zones are not known here, and nodes outside its zone "
                "never start",
                "write subnetIds: [<those in its zone>]; `aws ec2 describe-capacity-reservations "
                f"--capacity-reservation-ids {reservation} --query 'CapacityReservations[].AvailabilityZone'` says "
                f"which, and `aws ec2 describe-subnets --subnet-ids {' '.join(network.private_subnet_ids)} --query "
                "'Subnets[].[SubnetId,AvailabilityZone]'` where they are",
            )
        return
    zones = pool.zones or network.zones
    if len(zones) > 1:
        findings.error(
            f"{path}.zones",
            "reservation-one-zone",
            f"nodes may start in {listed(zones)}, and a reservation stands in one zone: elsewhere they never start",
            f"write zones: [<its zone>], for example [{zones[0]}]",
        )


def _check_block(pool: ManagedPool, path: str, settings: StackSettings, production: bool, findings: Findings) -> None:
    families = block_families()
    for position, name in enumerate(pool.instance_types):
        known = instance_types().get(name)
        if known is not None and known.family not in families:
            findings.error(
                f"{path}.instanceTypes[{position}]",
                "capacity-block-type",
                f"AWS sells no Capacity Blocks of {name}, only of {listed(families, 10)}",
                "write one of those, or capacity: {kind: reservation, id: cr-...}",
            )
    staying = [
        model.name
        for model in settings.models
        if model.autoscaling.min_replicas > 0 and settings.pool_name_of(model) == pool.name
    ]
    if production and staying:
        findings.warning(
            f"{path}.capacity",
            "capacity-block-ends",
            f"AWS ends all nodes 30 minutes before the Capacity Block's end, and with them {listed(staying, 5)}",
            "move them to another pool, or set minNodes: 0, before that day",
        )


def _check_region(arn: str, path: str, settings: StackSettings, findings: Findings) -> None:
    region = arn.split(":")[3]
    if region != settings.region:
        findings.error(
            f"{path}.capacity.resourceGroupArn",
            "reservation-region",
            f"is of {region}, and the stack is in {settings.region}",
            f"write a group of {settings.region}",
        )


def _check_shared(settings: StackSettings, findings: Findings) -> None:
    """Karpenter takes what is free in a reservation, and a managed pool then has no node to start."""
    of_karpenter = {
        reservation_id: pool.name
        for pool in settings.node_pools
        if isinstance(pool, KarpenterPool)
        for reservation_id in pool.capacity_reservation_ids
    }
    taken: dict[str, str] = {}
    for index, pool in enumerate(settings.node_pools):
        capacity = pool.capacity
        if not isinstance(capacity, Reservation | CapacityBlock) or capacity.id is None:
            continue
        path = f"nodePools[{index}].capacity.id"
        if capacity.id in of_karpenter:
            findings.error(
                path,
                "reservation-shared",
                f"{capacity.id} is in capacityReservationIds of pool {of_karpenter[capacity.id]}, too: Karpenter "
                "takes what is free in it, and nodes of this pool do not start",
                "name it in one of them",
            )
        if capacity.id in taken:
            findings.warning(
                path,
                "reservation-shared",
                f"{capacity.id} is pool {taken[capacity.id]}'s, too",
                "let maxNodes of both fit into it",
            )
        taken.setdefault(capacity.id, pool.name)
