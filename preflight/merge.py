"""The answers in the plan's own words: its findings, without those that were answered, and with what AWS said."""

from __future__ import annotations

from planning.model import Finding, StackPlan
from preflight.model import PreflightReport, Verdict

COMMAND = "python -m preflight {stack}"


def findings(plan: StackPlan, report: PreflightReport) -> tuple[Finding, ...]:
    """What is to be said of the plan after AWS was asked; guesses are not among it (`guess_line`)."""
    findings_of_answers = tuple(
        answer.finding() for answer in report.of(Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN)
    )
    return (*unsettled(plan, report), *findings_of_answers)


def unsettled(plan: StackPlan, report: PreflightReport) -> tuple[Finding, ...]:
    """The plan's own findings but those which said that something is not known and that AWS has answered."""
    answered = report.of(Verdict.OK, Verdict.WARNING, Verdict.ERROR)
    settled = {(answer.path, rule) for answer in answered for rule in answer.settles}
    return tuple(finding for finding in plan.findings if (finding.path, finding.rule) not in settled)


def guess_line(report: PreflightReport) -> str:
    """All guesses in one sentence; empty where AWS was asked."""
    taken = "; ".join(answer.message for answer in report.of(Verdict.GUESS))
    return taken and f"AWS was not asked (no credentials), so these are guesses: {taken}"


def as_text(report: PreflightReport) -> list[str]:
    """For people: errors first, every answer a line."""
    order = (Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN, Verdict.GUESS, Verdict.OK)
    where = f"account {report.account_id}, {report.region}" if report.account_id else report.region
    lines = [f"{report.stack}: {len(report.answers)} {'answers' if report.asked else 'guesses'} ({where})"]
    if not report.asked:
        lines.append("  AWS was not asked: there are no credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, a role)")
    for verdict in order:
        lines += [f"  {verdict.value:<8} {answer.finding()}" for answer in report.of(verdict)]
    return lines
