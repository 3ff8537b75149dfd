"""The policies, run over what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from planning.prepare import Prepared
from policies.judge import Judgement, Waiver, judge, waiver_problems
from policies.rule import Circumstances, Resource
from preview.findings import Finding, finding


def of_policies(
    prepared: Prepared, resources: Sequence[dict[str, Any]], circumstances: Circumstances, today: date
) -> list[Finding]:
    """What the policies say of the recorded registrations, and of the stack's waivers."""
    settings = prepared.loaded.settings
    waivers = [Waiver(each.rule, each.reason, each.expires) for each in (settings.waivers if settings else ())]
    seen = [Resource(each["type"], each["name"], each["urn"], each["inputs"]) for each in resources]
    findings = [
        finding("waiver", "error", f"waivers[{problem.index}].{problem.field}", problem.message, problem.fix)
        for problem in waiver_problems(waivers, today)
    ]
    return findings + [_of_policy(each) for each in judge(seen, circumstances, waivers, today)]


def _of_policy(found: Judgement) -> Finding:
    resource = found.resource
    path = f"{resource.kind} {resource.name}" if resource else "stack"
    if found.waiver is None:
        return finding(found.rule.id, found.rule.severity.value, path, found.message, found.rule.fix)
    said = f"{found.message} (waived until {found.waiver.expires}: {found.waiver.reason})"
    return finding(found.rule.id, "info", path, said, found.rule.fix)
