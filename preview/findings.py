"""Everything that has to be said about a stack, in one shape: `{rule, severity, path, message, fix}`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from planning.model import Finding as PlanFinding
from planning.prepare import Prepared, secret_command
from preflight.merge import COMMAND, guess_line
from preflight.model import Report as AccountReport
from preflight.model import Verdict

Finding = dict[str, str]
SEVERITIES = ("error", "warning", "info")
# The plan's messages end in what to do: "... 1: a node upgrade interrupts the service; write 2".
_REMEDY = re.compile(
    r"(?:[;:.,]|--) +(?=(?:write|run|use|list|remove|choose|keep|make|give|lower|raise|take|get|replace|set|put|add|"
    r"switch|shorten|did you mean|known are)\b)",
    re.IGNORECASE,
)
_WITHOUT_REMEDY = {
    "price-unknown": "look its price up and add it to the sum",
    "replicas-beyond-nodes": "raise minNodes, or lower maxReplicas",
    "unknown-type": "check the spelling; the plan takes the type as it is",
    "unknown-model": "compare with the nearest known model by hand",
    "image-too-new": "read vLLM's release notes for changed flags and metrics",
}


def finding(rule: str, severity: str, path: str, message: str, fix: str = "") -> Finding:
    """One finding."""
    return {"rule": rule, "severity": severity, "path": path, "message": message, "fix": fix}


def of_plan(findings: Iterable[PlanFinding]) -> list[Finding]:
    """The plan's findings; what to do is the end of their message."""
    return [_of_plan(each) for each in findings]


def _of_plan(found: PlanFinding) -> Finding:
    if found.fix:
        return finding(found.rule, found.severity.value, found.path, found.message, found.fix)
    parts = _REMEDY.split(found.message, maxsplit=1)
    fix = parts[1] if len(parts) == 2 else _WITHOUT_REMEDY.get(found.rule, "")
    return finding(found.rule, found.severity.value, found.path, parts[0].rstrip(" .;"), fix)


def of_account(report: AccountReport | None) -> list[Finding]:
    """What AWS answered, or in one finding what is a guess because it was not asked."""
    if report is None:
        return []
    if line := guess_line(report):
        return [finding("guess", "info", "account", line, f"run: {COMMAND.format(stack=report.stack)}")]
    told = [_of_plan(each.finding()) for each in report.of(Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN)]
    agreed = f"{len(report.of(Verdict.OK))} answers of account {report.account_id} agree with the plan"
    return [*told, finding("account", "info", "account", agreed)]


def of_secrets(prepared: Prepared) -> list[Finding]:
    """Secrets that nobody has set: the preview goes on with stand-ins, `up` will not."""
    return [
        finding(
            "secret-missing",
            "info",
            need.path,
            f"config secret {need.key} is not set; the preview uses a stand-in, `up` will refuse",
            f"run: {secret_command(need, prepared.file.stack)}",
        )
        for need in prepared.missing_secrets
    ]


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first; the same thing said once."""
    unique = {tuple(each.items()): each for each in findings}.values()
    return sorted(unique, key=lambda each: SEVERITIES.index(each["severity"]))


def at_least(findings: Iterable[Finding], severity: str) -> list[Finding]:
    """Those at or above a severity."""
    return [each for each in findings if SEVERITIES.index(each["severity"]) <= SEVERITIES.index(severity)]


def grouped(findings: Iterable[Finding]) -> list[Finding]:
    """For people: what is said of several places is said once, with all of them."""
    places: dict[tuple[str, ...], list[str]] = {}
    for each in findings:
        places.setdefault((each["rule"], each["severity"], each["message"], each["fix"]), []).append(each["path"])
    return [
        finding(rule, severity, ", ".join(paths), message, fix)
        for (rule, severity, message, fix), paths in places.items()
    ]
