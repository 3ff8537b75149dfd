"""The report as one JSON document; every format is made from it. Its schema: docs/preview.schema.json.

Here is what a refusal needs, too: nothing that takes time to import. `preview.report` fills the rest in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from preview.findings import ordered
from preview.masking import masked
from settings.findings import Finding

if TYPE_CHECKING:  # types that take longer to make than a refusal takes to tell
    from preview.report_model import FindingPart, Report
    from preview.report_parts import Cost

SCHEMA_VERSION: Final = 1


def refused(stack: str, findings: Iterable[Finding]) -> Report:
    """A report of a stack that cannot be evaluated."""
    return finished(empty(stack), findings)


def empty(stack: str) -> Report:
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
        "rollout": None,
        "nodes": [],
        "quotas": [],
        "images": [],
        "charts": [],
        "resource_counts": {},
        "resources": [],
        "outputs": {},
    }


def no_cost() -> Cost:
    """The cost of a stack that has none to show."""
    return {
        "usd_per_hour_min": None,
        "usd_per_hour_max": None,
        "usd_per_month_min": None,
        "usd_per_month_max": None,
        "lines": [],
        "pools": [],
        "models": [],
        "usd_per_month_on_spot": None,
        "budget": None,
    }


def finished(document: Report, findings: Iterable[Finding]) -> Report:
    """With its findings, and nothing in it that looks like a credential."""
    document["findings"] = [_part(finding) for finding in ordered(findings)]
    return cast("Report", masked(document))


def _part(finding: Finding) -> FindingPart:
    return {
        "path": finding.path,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "fix": finding.fix,
    }
