"""The report as one JSON document; every format is made from it. Its schema: docs/preview.schema.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from planning.model import StackPlan
from planning.stages import is_production
from policies.rule import Circumstances
from preview import facts
from preview.changes import changes
from preview.findings import Finding, finding, of_plan, of_policies, of_secrets, ordered
from preview.masking import masked
from preview.prepare import Prepared

SCHEMA_VERSION = 1
Document = dict[str, Any]


@dataclass(frozen=True)
class Base:
    """The other revision: what it registers and says (`document`), or why that is not known (`problem`)."""

    revision: str
    commit: str | None = None
    document: Document | None = None
    problem: str | None = None


def refused(stack: str, findings: Iterable[Finding]) -> Document:
    """A report of a stack that cannot be evaluated."""
    return _finished(_empty(stack), list(findings))


def report(
    prepared: Prepared,
    plan: StackPlan,
    resources: list[dict[str, Any]],
    outputs: dict[str, Any],
    today: date,
    base: Base | None = None,
) -> Document:
    """The whole report of a program that ran to its end."""
    assert prepared.loaded.settings is not None, "a plan comes from settings"
    document = _empty(plan.stack)
    images, charts = facts.pulled(resources)
    document |= {
        "region": plan.region,
        "gpus": [{"gpu": gpu, "min": low, "max": high} for gpu, (low, high) in facts.gpus(plan).items()],
        "resources": resources,
        "resource_counts": dict(sorted(Counter(each["type"] for each in resources).items())),
        "outputs": outputs,
        "models": facts.models(plan, prepared.loaded.settings),
        "nodes": facts.nodes(plan),
        "cost": facts.cost(plan.cost),
        "quotas": facts.needed_quotas(plan),
        "images": images,
        "charts": charts,
    }
    document["headline"] = _headline(document)
    found = [*of_plan(plan.findings), *of_secrets(prepared)]
    found += of_policies(prepared, resources, _circumstances(prepared, document), today)
    if base is not None:
        _compare(document, base, found)
    return _finished(document, found)


def _empty(stack: str) -> Document:
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "region": None,
        "headline": f"{stack}: cannot be evaluated",
        "against": None,
        "gpus": [],
        "models": [],
        "cost": facts.cost(None),
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


def _finished(document: Document, findings: list[Finding]) -> Document:
    document["findings"] = ordered(findings)
    made: Document = masked(document)
    return made


def _circumstances(prepared: Prepared, document: Document) -> Circumstances:
    budget = getattr(prepared.loaded.settings, "budget", None)
    return Circumstances(
        production=is_production(document["stack"]),
        ceiling_usd_per_month=document["cost"]["usd_per_month_max"],
        budget_usd_per_month=getattr(budget, "usd_per_month", None),
    )


def _compare(document: Document, base: Base, found: list[Finding]) -> None:
    document["against"] = {"revision": base.revision, "commit": base.commit, "problem": base.problem, "cost": None}
    if base.document is None:
        severity = "warning" if base.commit else "error"
        found.append(finding("against", severity, base.revision, str(base.problem), "compare with another revision"))
        return
    # Both sides masked: a credential is no difference, and is never told.
    document["changes"] = changes(base.document["resources"], masked(document["resources"]))
    before = base.document.get("cost") or facts.cost(None)
    document["against"]["cost"] = {key: value for key, value in before.items() if key != "lines"}


def _headline(document: Document) -> str:
    served = [model["name"] for model in document["models"]]
    what = f"{len(served)} model{'' if len(served) == 1 else 's'} ({', '.join(served)})" if served else "no models"
    gpus = ", ".join(f"{span(each['min'], each['max'])} × {each['gpu'].upper()}" for each in document["gpus"])
    cost = document["cost"]
    hour = f"${cost['usd_per_hour_min']:.2f}–{cost['usd_per_hour_max']:.2f} per hour"
    month = f"${cost['usd_per_month_min']:,.0f}–{cost['usd_per_month_max']:,.0f} a month"
    return f"{document['stack']}: {what} on {gpus or 'no GPUs'}, {hour} ({month})"


def span(low: float, high: float) -> str:
    """`2` or `2–4`."""
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
