"""Cost of a stack per hour, at fewest and most nodes. What is billed by use is beside it (surprises.py)."""

from __future__ import annotations

from collections.abc import Iterable

from planning.cluster.control_plane import in_extended_support
from planning.cost.prices import PRICES, cite
from planning.cost.surprises import surprises
from planning.findings import Findings, listed
from planning.model import (
    BillTopicPlan,
    CostLine,
    CostPlan,
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    FileSystemPlan,
    MonitoringPlan,
    NodeGroupPlan,
    ServedModel,
)
from planning.nodes.disks import GP3_IOPS, GP3_MIBPS
from planning.nodes.prices import check_region_prices, known_prices, known_types, price_basis
from planning.units import HOURS_PER_MONTH

LOOK_UP = "look its price up and add it to the sum"


def gp3_usd_per_hour(size_gib: int, iops: int = GP3_IOPS, throughput_mibps: int = GP3_MIBPS) -> float:
    """One gp3 volume."""
    month = (
        size_gib * PRICES["gp3-storage"].usd
        + max(0, iops - GP3_IOPS) * PRICES["gp3-iops"].usd
        + max(0, throughput_mibps - GP3_MIBPS) * PRICES["gp3-throughput"].usd
    )
    return month / HOURS_PER_MONTH


def plan_cost(
    region: str,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    network: CreateNetworkPlan | ExistingNetworkPlan,
    groups: Iterable[tuple[str, NodeGroupPlan]],
    monitoring: MonitoringPlan | None,
    models: Iterable[tuple[str, ServedModel]],
    file_system: FileSystemPlan | None,
    topic: BillTopicPlan | None,
    findings: Findings,
) -> CostPlan:
    """All lines and their sums; `groups` come with the path of their instance types, `models` with their own."""
    lines = [*_cluster(cluster), *_network(network)]
    groups, models = list(groups), list(models)
    for path, group in groups:
        lines += _group(path, group, region, findings)
    if monitoring is not None and monitoring.stack_chart is not None:
        lines.append(_fixed("Prometheus volume", gp3_usd_per_hour(monitoring.storage_gib), "gp3-storage"))
    lines += _caches(models, findings)
    lines += _file_system(file_system)
    if topic is not None and topic.has_own_key:
        lines.append(_kms_key("KMS key of the bill's topic"))
    dearest = {group.name: max(prices.values()) for _, group in groups if (prices := known_prices(group, region))}
    elastic = file_system is not None and file_system.new is not None and file_system.new.throughput == "elastic"
    served = [model for _, model in models]
    lines += surprises(cluster, network, [group for _, group in groups], served, dearest, elastic)
    check_region_prices(region, [group for _, group in groups], findings)
    return CostPlan(
        tuple(lines),
        round(sum(line.min_usd_per_hour or 0 for line in lines), 4),
        round(sum(line.max_usd_per_hour or 0 for line in lines), 4),
    )


def _cluster(cluster: CreateClusterPlan | ExistingClusterPlan) -> list[CostLine]:
    if isinstance(cluster, ExistingClusterPlan):
        return []
    key = "eks-extended" if in_extended_support(cluster.version) else "eks-standard"
    lines = [_fixed("EKS control plane", PRICES[key].usd, key)]
    if cluster.kms_key_arn is None:
        lines.append(_kms_key("KMS key"))
    return lines


def _network(network: CreateNetworkPlan | ExistingNetworkPlan) -> list[CostLine]:
    if isinstance(network, ExistingNetworkPlan):
        return []
    count = len(network.nat_zones)
    return [
        _fixed(f"NAT gateways ({count})", count * PRICES["nat-gateway"].usd, "nat-gateway"),
        _fixed(f"public IPv4 addresses ({count})", count * PRICES["public-ipv4"].usd, "public-ipv4"),
    ]


def _group(path: str, group: NodeGroupPlan, region: str, findings: Findings) -> list[CostLine]:
    prices = known_prices(group, region)
    dated = {type_.dated for type_ in known_types(group)}
    unpriced = [name for name in group.instance_types if name not in prices]
    if unpriced:
        findings.warning(
            path, "price-unknown", f"{listed(unpriced)}: no price in the table; the sum is too low", LOOK_UP
        )
    note, basis = _bought(group), price_basis(group, region)
    source = f"on-demand, Linux, {basis}, {'/'.join(sorted(dated))}{note}" if prices else "no price known"
    volume = gp3_usd_per_hour(group.disk_gib, group.disk_iops, group.disk_throughput_mibps)
    return [
        CostLine(
            f"nodes of {group.name} ({group.fewest_nodes}-{group.max_nodes} × {'|'.join(group.instance_types)})",
            round(group.fewest_nodes * min(prices.values()), 4) if prices else None,
            round(group.max_nodes * max(prices.values()), 4) if prices else None,
            source,
        ),
        CostLine(
            f"root volumes of {group.name}",
            round(group.fewest_nodes * volume, 4),
            round(group.max_nodes * volume, 4),
            cite("gp3-storage"),
        ),
    ]


def _bought(group: NodeGroupPlan) -> str:
    """What the on-demand price leaves out."""
    if group.capacity_type == "SPOT":
        return "; spot costs less, by the hour and zone: the on-demand price is taken"
    if group.capacity_type == "CAPACITY_BLOCK":
        return "; a Capacity Block is paid whole and in advance, at its own price: the on-demand price is taken"
    if group.reservation is not None:
        return "; a reservation is billed at this price for all its instances, with nodes and without"
    return ""


def _caches(models: Iterable[tuple[str, ServedModel]], findings: Findings) -> list[CostLine]:
    lines = []
    for path, model in models:
        cache = model.cache
        if cache.kind != "persistentVolume":
            continue
        what = f"cache volume of {model.name} ({cache.size_gib} GiB, {cache.storage_class})"
        if cache.storage_class == "gp3":
            lines.append(_fixed(what, gp3_usd_per_hour(cache.size_gib), "gp3-storage"))
        else:
            lines.append(CostLine(what, None, None, "price of that storage class is not known here"))
            findings.warning(
                f"{path}.cache.storageClass",
                "price-unknown",
                f"{cache.storage_class}: no price in the table; the sum is too low",
                LOOK_UP,
            )
    return lines


def _file_system(plan: FileSystemPlan | None) -> list[CostLine]:
    """Of one that the stack makes; what elastic throughput costs by use is beside the sum (surprises.py)."""
    if plan is None or plan.new is None:
        return []
    new = plan.new
    price = "efs-one-zone" if new.zone else "efs-storage"
    kind = f"One Zone in {new.zone}" if new.zone else "Regional"
    stored = new.stored_gib * PRICES[price].usd / HOURS_PER_MONTH
    lines = [_fixed(f"EFS file system ({new.stored_gib} GiB, {kind})", stored, price)]
    if new.provisioned_mibps is not None:
        usd = new.provisioned_mibps * PRICES["efs-provisioned"].usd / HOURS_PER_MONTH
        lines.append(_fixed(f"EFS throughput ({new.provisioned_mibps} MiB/s provisioned)", usd, "efs-provisioned"))
    return lines


def _kms_key(what: str) -> CostLine:
    return _fixed(what, PRICES["kms-key"].usd / HOURS_PER_MONTH, "kms-key")


def _fixed(what: str, usd_per_hour: float, price: str) -> CostLine:
    return CostLine(what, round(usd_per_hour, 4), round(usd_per_hour, 4), cite(price))
