"""Runs the rules and sets aside what a waiver covers. The day is a value: nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from policies.rule import Circumstances, Resource, Rule, Violation
from policies.rules import RULES
from settings.findings import Finding, Severity
from settings.spelling import did_you_mean
from settings.waivers import Waiver


@dataclass(frozen=True)
class Judgement:
    """One violation, and what it is about. `waiver` set: it is told and does not count until that expires."""

    finding: Finding
    resource: Resource | None
    waiver: Waiver | None


def judge(
    resources: Sequence[Resource],
    circumstances: Circumstances,
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
    rules: Iterable[Rule] = RULES,
) -> list[Judgement]:
    """All violations, errors first. An expired waiver covers nothing; so does every waiver without a `today`."""
    valid = {waiver.rule: waiver for waiver in waivers if today is not None and waiver.expires >= today}
    judgements = [
        _judgement(rule, violation, valid.get(rule.id))
        for rule in rules
        for violation in rule.check(resources, circumstances)
    ]
    return sorted(
        judgements,
        key=lambda judgement: (judgement.waiver is not None, judgement.finding.severity is not Severity.ERROR),
    )


def _judgement(rule: Rule, violation: Violation, waiver: Waiver | None) -> Judgement:
    resource = violation.resource
    path = f"{resource.kind} {resource.name}" if resource else "stack"
    severity, message = rule.severity, violation.message
    if waiver is not None:
        severity, message = Severity.INFO, f"{message} (waived until {waiver.expires}: {waiver.reason})"
    return Judgement(Finding(path, rule.id, severity, message, rule.fix), resource, waiver)


def waiver_problems(waivers: Sequence[Waiver], today: date) -> list[Finding]:
    """Waivers that have expired, and those of rules that do not exist."""
    known = [rule.id for rule in RULES]
    problems = []
    for index, waiver in enumerate(waivers):
        if waiver.rule not in known:
            hint = did_you_mean(waiver.rule, known, most=1) or f"policies are: {', '.join(known)}"
            problems.append(_wrong(f"waivers[{index}].rule", f"no policy is called {waiver.rule}", hint))
        elif waiver.expires < today:
            problems.append(
                _wrong(
                    f"waivers[{index}].expires",
                    f"the waiver of {waiver.rule} expired on {waiver.expires} ({waiver.reason})",
                    "fix what it covers and remove it, or give it a new day with a reason that still holds",
                )
            )
    return problems


def _wrong(path: str, message: str, fix: str) -> Finding:
    return Finding(path, "waiver", Severity.ERROR, message, fix)
