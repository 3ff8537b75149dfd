"""A plan that cannot be. Its findings are of the one shape of `settings.findings`."""

from __future__ import annotations

from planning.units import amount
from settings.findings import Finding, Severity

__all__ = ["Finding", "PlanRefused", "Severity"]


class PlanRefused(Exception):
    """The settings are well-formed but cannot work. Holds every finding, warnings too."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__(_refusal_text(findings))


def _refusal_text(findings: tuple[Finding, ...]) -> str:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    others = [finding for finding in findings if finding.severity is not Severity.ERROR]
    lines = [f"the stack file cannot work: {amount(len(errors), 'error')}; nothing was changed"]
    return "\n".join(lines + [f"  {finding.severity:<8} {finding}" for finding in (*errors, *others)])
