"""Resources as a tree: below each component its own, equal kinds counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preview.report_model import ResourcePart
from preview.words import kind


@dataclass(frozen=True)
class Branch:
    """One line of the tree: how deep, what, and how many resources are at and below it."""

    depth: int
    label: str
    total: int


def branches(resources: Sequence[ResourcePart]) -> Iterator[Branch]:
    """The tree from the top; leaves of a kind are one line."""
    below: dict[str, list[ResourcePart]] = {}
    known = {resource["urn"] for resource in resources}
    for resource in resources:
        parent = resource["parent"] if resource["parent"] in known else ""
        below.setdefault(parent, []).append(resource)
    yield from _branches("", below, 0)


def _branches(parent: str, below: Mapping[str, Sequence[ResourcePart]], depth: int) -> Iterator[Branch]:
    children = below.get(parent, ())
    components = [child for child in children if child["urn"] in below]
    leaves = Counter(kind(child["type"]) for child in children if child["urn"] not in below)
    for component in components:
        yield Branch(depth, f"{kind(component['type'])} {component['name']}", _total(component["urn"], below))
        yield from _branches(component["urn"], below, depth + 1)
    for name, count in sorted(leaves.items()):
        yield Branch(depth, f"{name}{f' × {count}' if count > 1 else ''}", count)


def _total(urn: str, below: Mapping[str, Sequence[ResourcePart]]) -> int:
    return 1 + sum(_total(child["urn"], below) for child in below.get(urn, ()))
