"""The pre-flight of `pulumi preview` and `pulumi up`: between the plan and the first registration."""

from __future__ import annotations

from dataclasses import replace

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from planning.model import PlanRefused, Severity, StackPlan
from preflight.ask import report_of
from preflight.merge import COMMAND, findings, guess_line
from preflight.model import PreflightReport


def checked(plan: StackPlan) -> StackPlan:
    """The plan with AWS' answers among its findings; raises PlanRefused where the account cannot hold it.

    Under a recorder (tests, the offline preview) the engine has no account: AWS is not asked.
    """
    if isinstance(get_monitor(), MockMonitor):
        return plan
    return with_answers(plan, report_of(plan))


def with_answers(plan: StackPlan, report: PreflightReport) -> StackPlan:
    """The plan after a report; says once which guesses it rests on."""
    if line := guess_line(report):
        pulumi.log.info(f"{line}; run: {COMMAND.format(stack=plan.stack)}")
    findings_of_report = findings(plan, report)
    if any(finding.severity is Severity.ERROR for finding in findings_of_report):
        raise PlanRefused(findings_of_report)
    return replace(plan, findings=findings_of_report)
