"""What spot nodes cost: a range by instance family, of what was seen on a day. It is no promise and no ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from planning.facts import rows

SEEN_IN = "us-east-2 and ap-northeast-1"


@dataclass(frozen=True)
class SpotShare:
    """Least and most that spot took of the on-demand price (0 to 1), the day, and where it was seen."""

    low: float
    high: float
    dated: str
    source: str


# AWS' own words on its pricing page; and spot may cost as much as on-demand.
UNKNOWN = SpotShare(0.1, 1.0, "2026-11-21", 'no figures for the family: AWS says "up to 90 %" off')


def spot_share(instance_type: str) -> SpotShare:
    """Of an instance type, by its family."""
    return _shares().get(instance_type.split(".")[0], UNKNOWN)


@cache
def _shares() -> Mapping[str, SpotShare]:
    return MappingProxyType({row["family"]: _share(row) for row in rows("spot.csv")})


def _share(row: Mapping[str, str]) -> SpotShare:
    least, most = float(row["least_percent_off"]), float(row["most_percent_off"])
    source = f"{row['family']}: {least:g} to {most:g} % off in {SEEN_IN}, {row['dated']}"
    return SpotShare(round(1 - most / 100, 4), round(1 - least / 100, 4), row["dated"], source)
