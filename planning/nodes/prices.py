"""What a node costs an hour in the stack's region: the price of us-east-1 times the region's factor for its family."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import NodeGroupPlan
from planning.nodes.instances import InstanceType, UnknownInstanceType, instance_type

PRICED_REGION = "us-east-1"  # of prices.csv, and of what is priced in planning/cost/prices.py


@cache
def _factors() -> dict[tuple[str, str], float]:
    return {(row["region"], row["family"]): float(row["factor"]) for row in rows("region_prices.csv")}


def region_factor(region: str, family: str) -> float | None:
    """A family's price in a region ÷ its price in us-east-1 (facts/region_prices.csv); None where it was not read."""
    return 1.0 if region == PRICED_REGION else _factors().get((region, family))


def known_types(group: NodeGroupPlan) -> list[InstanceType]:
    """Those of the group's types that are in the catalogue and have a price there."""
    types = []
    for name in group.instance_types:
        try:
            types.append(instance_type(name))
        except UnknownInstanceType:
            continue  # the pool said so already
    return [type_ for type_ in types if type_.usd_per_hour is not None]


def known_prices(group: NodeGroupPlan, region: str) -> dict[str, float]:
    """On-demand US dollars per hour, by type, where a price is known; us-east-1's where the region's factor is not."""
    return {
        type_.name: round(type_.usd_per_hour * (region_factor(region, type_.family) or 1.0), 5)
        for type_ in known_types(group)
        if type_.usd_per_hour is not None
    }


def price_basis(group: NodeGroupPlan, region: str) -> str:
    """Where the group's prices are from: region, and the factor where there is one."""
    families = dict.fromkeys(type_.family for type_ in known_types(group))
    sentences = []
    for family in families:
        factor = region_factor(region, family)
        sentences.append(
            PRICED_REGION if factor is None or region == PRICED_REGION else f"{PRICED_REGION} × {factor:g}"
        )
    return ", ".join(dict.fromkeys(sentences))


def check_region_prices(region: str, groups: Iterable[NodeGroupPlan], findings: Findings) -> None:
    """Says which prices of another region than us-east-1 are not that region's own."""
    if region == PRICED_REGION:
        return
    families = dict.fromkeys(type_.family for group in groups for type_ in known_types(group))
    unread = [family for family in families if region_factor(region, family) is None]
    nodes = f"nodes of {listed(unread)}, " if unread else ""
    findings.warning(
        "region",
        "price-region",
        f"prices of {nodes}volumes, gateways, addresses and logs are those of {PRICED_REGION}; {region}'s are not in "
        "the table",
        "run python -m tools.refresh_prices --write with credentials, or look the region's prices up",
    )
