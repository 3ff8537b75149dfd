"""How the definitions (CRDs) of a pinned chart move with its version: facts/chart_crds.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from planning.facts import rows


@dataclass(frozen=True)
class Definitions:
    """A row; `value`: path in the chart's values that switches the way on, empty where there is none."""

    chart: str
    groups: tuple[str, ...]
    where: str
    by: str
    value: tuple[str, ...]
    validated: bool
    words: str


@cache
def definitions() -> Mapping[str, Definitions]:
    """By name of the chart."""
    return MappingProxyType(
        {
            row["chart"]: Definitions(
                row["chart"],
                tuple(row["groups"].split()),
                row["where"],
                row["by"],
                tuple(row["value"].split(".")) if row["value"] else (),
                row["validation"] == "on",
                row["words"],
            )
            for row in rows("chart_crds.csv")
        }
    )


def definitions_of(reference: str) -> Definitions | None:
    """Of a chart as a release names it: a name, an address in a registry, a folder, an archive."""
    last = reference.rstrip("/").rpartition("/")[2]
    matching = [definition for name, definition in definitions().items() if last == name or last.startswith(f"{name}-")]
    # karpenter-crd begins as karpenter does: the longest name is meant.
    return max(matching, key=lambda definition: len(definition.chart), default=None)
