"""What EC2 sells: prices, and what it has none left of. State of this process, as moto's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from planning.cost.spot import spot_share
from planning.facts import rows

SPOT, ON_DEMAND = "spot", "on-demand"


@dataclass(frozen=True)
class Offering:
    """One way to be sold: an instance type in a zone, spot or on-demand."""

    instance_type: str
    zone: str
    lifecycle: str


@dataclass
class Market:
    """`sold_out`: offerings of which there are none; every other one is without end."""

    sold_out: set[Offering] = field(default_factory=set)

    def has(self, offering: Offering) -> bool:
        return offering not in self.sold_out


@cache
def on_demand_prices() -> Mapping[str, float]:
    """US dollars per hour of us-east-1, as far as planning/facts knows them."""
    return {row["name"]: float(row["usd_per_hour"]) for row in rows("prices.csv")}


def price(offering: Offering) -> float | None:
    """US dollars per hour, the same in every region and zone; None: not known. Spot: the middle of what was seen."""
    known = on_demand_prices().get(offering.instance_type)
    if known is None or offering.lifecycle == ON_DEMAND:
        return known
    share = spot_share(offering.instance_type)
    return round(known * (share.low + share.high) / 2, 4)


class _CurrentMarket:
    market = Market()


def current() -> Market:
    """The market of this process."""
    return _CurrentMarket.market


def restock() -> None:
    """Everything is to be had again."""
    _CurrentMarket.market = Market()
