"""Runs the rules and sets aside what a waiver covers. The day is a value: nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from policies.rule import Circumstances, Resource, Rule, Severity
from policies.rules import RULES


@dataclass(frozen=True)
class Waiver:
    """A stack's word that a rule does not count for it; `expires` is the last day on which it holds."""

    rule: str
    reason: str
    expires: date


@dataclass(frozen=True)
class Judgement:
    """One violation. `waiver` set: it does not count until that expires."""

    rule: Rule
    resource: Resource | None
    message: str
    waiver: Waiver | None = None


@dataclass(frozen=True)
class WaiverProblem:
    """A waiver that is wrong in itself: where it stands in the list, what about it, what to do."""

    index: int
    field: str
    message: str
    fix: str


def judge(
    resources: Sequence[Resource],
    circumstances: Circumstances,
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
    rules: Iterable[Rule] = RULES,
) -> list[Judgement]:
    """All violations, errors first. An expired waiver covers nothing; so does every waiver without a `today`."""
    valid = {each.rule: each for each in waivers if today is not None and each.expires >= today}
    found = [
        Judgement(rule, violation.resource, violation.message, valid.get(rule.id))
        for rule in rules
        for violation in rule.check(resources, circumstances)
    ]
    return sorted(found, key=lambda each: (each.waiver is not None, each.rule.severity is not Severity.ERROR))


def waiver_problems(waivers: Sequence[Waiver], today: date) -> list[WaiverProblem]:
    """Waivers that have expired, and those of rules that do not exist."""
    known = [rule.id for rule in RULES]
    problems = []
    for index, waiver in enumerate(waivers):
        if waiver.rule not in known:
            near = get_close_matches(waiver.rule, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"policies are: {', '.join(known)}"
            problems.append(WaiverProblem(index, "rule", f"no policy is called {waiver.rule}", hint))
        elif waiver.expires < today:
            problems.append(
                WaiverProblem(
                    index,
                    "expires",
                    f"the waiver of {waiver.rule} expired on {waiver.expires} ({waiver.reason})",
                    "fix what it covers and remove it, or give it a new day with a reason that still holds",
                )
            )
    return problems
