"""From what was read to a plan, or to one refusal that holds everything that is wrong."""

from __future__ import annotations

from dataclasses import replace

from planning.model import PlanRefused, Severity, StackPlan
from planning.plan import plan
from settings.read import Loaded


def decide(loaded: Loaded) -> StackPlan:
    """The plan of a stack file.

    Mistakes in the file and findings of the plan are raised together as `PlanRefused`, so that no one fixes one
    only to be shown the next. Findings below a place that was wrong anyway are left out: they would speak of the
    default that stands in for it.
    """
    mistakes, left_over = loaded.problems, loaded.warnings
    if loaded.settings is None:
        raise PlanRefused((*mistakes, *left_over))
    try:
        planned = plan(loaded.settings, loaded.stack, loaded.charts, loaded.today)
        findings = planned.findings
    except PlanRefused as refusal:
        planned, findings = None, refusal.findings
    wrong_places = tuple(mistake.path for mistake in mistakes)
    findings = (*mistakes, *left_over, *(finding for finding in findings if not _below(finding.path, wrong_places)))
    if planned is None or any(finding.severity is Severity.ERROR for finding in findings):
        raise PlanRefused(findings)
    return replace(planned, findings=findings)


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)
