"""What a plan has to say against the settings. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planning.units import amount
from settings.printable import printable
from settings.secrets import hidden


class Severity(StrEnum):
    """What a finding does to the deployment."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing a plan has to say: where (path as the user wrote it), what is wrong, what to do instead."""

    path: str
    message: str
    severity: Severity = Severity.ERROR
    rule: str = ""

    def __post_init__(self) -> None:
        # Words of the stack file stand in both, and both end on somebody's terminal.
        for field in ("path", "message"):
            object.__setattr__(self, field, hidden(printable(getattr(self, field)), "(hidden)"))


class PlanRefused(Exception):
    """The settings are well-formed but cannot work. Holds every finding, warnings too."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__(_refusal_text(findings))


def _refusal_text(findings: tuple[Finding, ...]) -> str:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    warnings = [finding for finding in findings if finding.severity is Severity.WARNING]
    lines = [f"the stack file cannot work: {amount(len(errors), 'error')}; nothing was changed"]
    lines += [f"  error    {finding.path}: {finding.message}" for finding in errors]
    lines += [f"  warning  {finding.path}: {finding.message}" for finding in warnings]
    return "\n".join(lines)
