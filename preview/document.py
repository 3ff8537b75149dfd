"""The report as one JSON document; every format is made from it. Its schema: docs/preview.schema.json.

Here is what a refusal needs, too: nothing that takes time to import. `preview.report` fills the rest in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from preview.findings import ordered
from preview.masking import masked
from settings.findings import Finding

SCHEMA_VERSION = 1
Document = dict[str, Any]
MONEY = ("usd_per_hour_min", "usd_per_hour_max", "usd_per_month_min", "usd_per_month_max")


def refused(stack: str, findings: Iterable[Finding]) -> Document:
    """A report of a stack that cannot be evaluated."""
    return finished(empty(stack), findings)


def empty(stack: str) -> Document:
    """Every key, with nothing in it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "region": None,
        "headline": f"{stack}: cannot be evaluated",
        "against": None,
        "gpus": [],
        "models": [],
        "cost": no_cost(),
        "findings": [],
        "changes": [],
        "nodes": [],
        "quotas": [],
        "images": [],
        "charts": [],
        "resource_counts": {},
        "resources": [],
        "outputs": {},
    }


def no_cost() -> dict[str, Any]:
    """The cost of a stack that has none to show."""
    nothing: dict[str, Any] = {"lines": [], "pools": [], "models": [], "usd_per_month_on_spot": None, "budget": None}
    return {**dict.fromkeys(MONEY), **nothing}


def finished(document: Document, findings: Iterable[Finding]) -> Document:
    """With its findings, and nothing in it that looks like a credential."""
    document["findings"] = [asdict(each) for each in ordered(findings)]
    made: Document = masked(document)
    return made
