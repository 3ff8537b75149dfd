"""Everything that has to be said about a stack, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from planning.prepare import Prepared, secret_command
from preflight.merge import COMMAND, guess_line
from preflight.model import PreflightReport as AccountReport
from preflight.model import Verdict
from settings.findings import Finding, Severity

if TYPE_CHECKING:
    from preview.report_model import FindingPart

SEVERITIES = tuple(Severity)


def of_account(report: AccountReport | None) -> list[Finding]:
    """What AWS answered, or in one finding what is a guess because it was not asked."""
    if report is None:
        return []
    if line := guess_line(report):
        return [_info("guess", "account", line, f"run: {COMMAND.format(stack=report.stack)}")]
    findings = [answer.finding() for answer in report.of(Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN)]
    agreed = f"{len(report.of(Verdict.OK))} answers of account {report.account_id} agree with the plan"
    return [*findings, _info("account", "account", agreed)]


def of_secrets(prepared: Prepared) -> list[Finding]:
    """Secrets that are not set: the preview goes on with stand-ins, `up` will not."""
    return [
        _info(
            "secret-missing",
            need.path,
            f"config secret {need.key} is not set; the preview uses a stand-in, `up` will refuse",
            f"run: {secret_command(need, prepared.file.stack)}",
        )
        for need in prepared.missing_secrets
    ]


def _info(rule: str, path: str, message: str, fix: str = "") -> Finding:
    return Finding(path, rule, Severity.INFO, message, fix)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first; the same thing said once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: SEVERITIES.index(finding.severity))


def at_least(findings: Iterable[FindingPart], severity: str) -> list[FindingPart]:
    """Those of a document at or above a severity."""
    most = SEVERITIES.index(Severity(severity))
    return [finding for finding in findings if SEVERITIES.index(Severity(finding["severity"])) <= most]


def grouped(findings: Iterable[FindingPart]) -> list[FindingPart]:
    """For people: what is said of several places is said once, with all of them."""
    groups: dict[tuple[str, ...], FindingPart] = {}
    for finding in findings:
        said = (finding["rule"], finding["severity"], finding["message"], finding["fix"])
        before = groups.get(said)
        groups[said] = {**finding, "path": f"{before['path']}, {finding['path']}"} if before else finding
    return list(groups.values())
