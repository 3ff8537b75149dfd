"""Which changes make a resource again: what the providers call "forces new resource".

The table is replacing.csv, of the types that we register. Its sources: `ForceNew` in the code of
github.com/hashicorp/terraform-provider-aws, which pulumi-aws bridges, and `forceNewProperties` of
github.com/pulumi/pulumi-kubernetes; copies of 2023 to 2026, read on the day in the row. A row `not verified` could
not be compared with either. `when` is `removed` where only taking a property away does it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent / "replacing.csv"
EVERY_OBJECT = "kubernetes:*"
RELEASE = "kubernetes:Release"  # is no object, and keeps its own name and namespace


@dataclass(frozen=True)
class ReplacingRow:
    """Properties of a type (of Kubernetes: of a kind, in any version) whose change makes the resource again."""

    type: str
    properties: tuple[str, ...]
    when_removed: bool
    source: str
    read: str


@cache
def table() -> tuple[ReplacingRow, ...]:
    """The rows of replacing.csv."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            ReplacingRow(
                row["type"], tuple(row["properties"].split()), row["when"] == "removed", row["source"], row["read"]
            )
            for row in csv.DictReader(file)
        )


@cache
def _properties(type_: str, when_removed: bool) -> tuple[str, ...]:
    return tuple(
        path for row in table() if (row.type, row.when_removed) == (type_, when_removed) for path in row.properties
    )


def replacing_paths(resource: Mapping[str, Any], *, removed: bool = False) -> tuple[str, ...]:
    """Paths of a resource whose change makes it again (`removed`: those that do so only when taken away).

    What lies below a path counts with it.
    """
    token = str(resource["type"])
    always = () if removed else tuple(resource.get("replaceOnChanges", ()))
    if token.startswith("kubernetes:"):
        kind = f"kubernetes:{token.rsplit(':', 1)[-1]}"
        common = () if kind == RELEASE else _properties(EVERY_OBJECT, removed)
        return (*common, *_properties(kind, removed), *always)
    return (*_properties(token, removed), *always)


def replaces(path: str, resource: Mapping[str, Any], *, removed: bool = False) -> bool:
    """Whether a change at `path` (`spec.template.spec.containers[vllm].image`) makes the resource again.

    `removed`: what stood there stands there no more.
    """
    steps = _steps(path)
    for pattern in map(_steps, replacing_paths(resource)):
        shared = min(len(steps), len(pattern))
        if steps[:shared] == pattern[:shared]:
            return True
    return removed and steps in [_steps(replacing_path) for replacing_path in replacing_paths(resource, removed=True)]


def _steps(path: str) -> list[str]:
    return [step for step in re.split(r"[.\[\]]+", path) if step]
