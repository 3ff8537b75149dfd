"""Fills the report in: what was recorded, what the plan says, what the policies say, what is different."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from planning.model import StackPicture, StackPlan
from planning.prepare import Prepared
from planning.serving.stages import is_production
from planning.units import amount
from policies.rule import Circumstances
from preflight.merge import unsettled
from preflight.model import PreflightReport as AccountReport
from preview import facts
from preview.changes import changes
from preview.document import empty, finished, no_cost
from preview.findings import of_account, of_secrets
from preview.judging import of_policies
from preview.masking import masked
from preview.money import cost
from preview.moves import of_moves
from preview.report_model import Against, Report, ResourcePart
from preview.steps import update_of
from preview.switches import of_switches, switches
from preview.words import span
from settings.findings import Finding, Severity


@dataclass(frozen=True)
class Base:
    """The other revision: what it registers and says (`document`), or why that is not known (`problem`)."""

    revision: str
    commit: str | None = None
    document: dict[str, Any] | None = None
    problem: str | None = None


def report(
    prepared: Prepared,
    plan: StackPlan,
    resources: list[ResourcePart],
    outputs: dict[str, Any],
    today: date,
    base: Base | None = None,
    account: AccountReport | None = None,
) -> Report:
    """The whole report of a program that ran to its end."""
    assert prepared.loaded.settings is not None, "a plan comes from settings"
    document = empty(plan.stack)
    images, charts = facts.pulled(resources)
    document |= {
        "region": plan.region,
        "gpus": [{"gpu": gpu, "min": low, "max": high} for gpu, (low, high) in facts.gpus(plan).items()],
        "resources": resources,
        "resource_counts": dict(sorted(Counter(resource["type"] for resource in resources).items())),
        "outputs": outputs,
        "models": facts.models(plan, prepared.loaded.settings, prepared.picture),
        "nodes": facts.nodes(plan, prepared.picture),
        "cost": cost(plan.cost),
        "quotas": facts.needed_quotas(prepared.picture),
        "images": images,
        "charts": charts,
    }
    document["headline"] = _headline(document)
    own = plan.findings if account is None else unsettled(plan, account)
    findings = [*own, *of_account(account), *of_secrets(prepared)]
    findings += of_policies(prepared, resources, _circumstances(plan), today)
    if base is not None:
        _compare(document, base, findings, prepared.picture)
    return finished(document, findings)


def _circumstances(plan: StackPlan) -> Circumstances:
    return Circumstances(
        production=is_production(plan.stack), ceiling_usd_per_hour=plan.cost.max_usd_per_hour, budget=plan.cost.budget
    )


def _compare(document: Report, base: Base, findings: list[Finding], picture: StackPicture) -> None:
    against: Against = {"revision": base.revision, "commit": base.commit, "problem": base.problem, "cost": None}
    document["against"] = against
    if base.document is None:
        severity = Severity.WARNING if base.commit else Severity.ERROR
        findings.append(Finding(base.revision, "against", severity, str(base.problem), "compare with another revision"))
        return
    # Both sides masked: a credential is no difference, and is never told.
    document["changes"] = changes(base.document["resources"], masked(document["resources"]))
    switched = switches(base.document["resources"], document["resources"], picture)
    document["rollout"] = update_of(document["changes"], document["resources"], picture, switched)
    findings += [*of_moves(document["changes"]), *of_switches(switched)]
    before = base.document.get("cost") or no_cost()
    against["cost"] = {
        "usd_per_hour_min": before.get("usd_per_hour_min"),
        "usd_per_hour_max": before.get("usd_per_hour_max"),
        "usd_per_month_min": before.get("usd_per_month_min"),
        "usd_per_month_max": before.get("usd_per_month_max"),
    }


def _headline(document: Report) -> str:
    served = [model["name"] for model in document["models"]]
    what = f"{amount(len(served), 'model')} ({', '.join(served)})" if served else "no models"
    gpus = ", ".join(f"{span(gpu['min'], gpu['max'])} × {gpu['gpu'].upper()}" for gpu in document["gpus"])
    cost = document["cost"]
    hour = f"${cost['usd_per_hour_min']:.2f}–{cost['usd_per_hour_max']:.2f} per hour"
    month = f"${cost['usd_per_month_min']:,.0f}–{cost['usd_per_month_max']:,.0f} a month"
    return f"{document['stack']}: {what} on {gpus or 'no GPUs'}, {hour} ({month})"
