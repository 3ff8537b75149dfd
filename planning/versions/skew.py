"""How far Kubernetes versions may lie apart, and how far they may move in one update (facts/version_skew.csv).

A version is told by its first two numbers: `1.35`, `v1.35.2-eksbuild.4`, `1.35.4-20260505`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from planning.facts import rows

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)")
CONTROL_PLANE, KUBELET = "control plane", "kubelet"


@dataclass(frozen=True)
class Skew:
    """A row; None where no rule is known. `older` and `newer` are minors against the control plane's."""

    older: int | None
    newer: int | None
    step: int | None
    never_down: bool
    source: str


@cache
def skews() -> Mapping[str, Skew]:
    """By component."""
    return MappingProxyType(
        {
            row["component"]: Skew(
                _number(row["older"]),
                _number(row["newer"]),
                _number(row["step"]),
                row["down"] == "never",
                row["source"],
            )
            for row in rows("version_skew.csv")
        }
    )


def minor(version: str) -> int:
    """The second number of a version; raises ValueError for what is none."""
    numbers = _minor(version)
    if numbers is None:
        raise ValueError(f"{version!r} is no Kubernetes version")
    return numbers[1]


def newer_version(version: str) -> str:
    """The minor after it: EKS goes up one at a time."""
    major, minor = _minor(version) or (1, 0)
    return f"{major}.{minor + 1}"


def distance_trouble(component: str, version: str, control_plane: str) -> str | None:
    """Why a component of that version cannot work with a control plane; None where it can, or nothing is known."""
    rule, minor, control_plane_minor = skews().get(component), _minor(version), _minor(control_plane)
    if rule is None or minor is None or control_plane_minor is None or minor[0] != control_plane_minor[0]:
        return None
    ahead = minor[1] - control_plane_minor[1]
    if rule.newer is not None and ahead > rule.newer:
        return f"{component} {version} is newer than the control plane's {control_plane}"
    if rule.older is not None and -ahead > rule.older:
        return (
            f"{component} {version} is {-ahead} minors older than the control plane's {control_plane}; at most "
            f"{rule.older} work"
        )
    return None


def step_trouble(component: str, before: str, after: str) -> tuple[str, str] | None:
    """Why a move is none that works, and what to write instead; None where it works, or nothing is known."""
    rule, old, new = skews().get(component), _minor(before), _minor(after)
    if rule is None or rule.step is None or old is None or new is None or old[0] != new[0]:
        return None
    if new < old and rule.never_down:
        return f"{component} never goes down, and {before} stands", f"write {before}"
    if new[1] - old[1] > rule.step:
        return (
            f"{component} goes up {rule.step} minor at a time, and {before} stands",
            f"write {newer_version(before)} first",
        )
    return None


def _minor(version: str) -> tuple[int, int] | None:
    match = _NUMBERS.match(version)
    return (int(match[1]), int(match[2])) if match else None


def _number(cell: str) -> int | None:
    return int(cell) if cell else None
