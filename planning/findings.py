"""Collects everything a plan has to say before anything is decided about it."""

from __future__ import annotations

from collections.abc import Iterable

from planning.model import Finding, PlanRefused, Severity


class Findings:
    """A growing list of findings. Errors refuse the plan; warnings travel with it."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def error(self, path: str, rule: str, message: str, fix: str) -> None:
        """A refusal that rests on logic: nothing in the stack file can overrule it."""
        self._found.append(Finding(path, rule, Severity.ERROR, message, fix))

    def warning(self, path: str, rule: str, message: str, fix: str) -> None:
        """Valid, but likely to cause trouble."""
        self._found.append(Finding(path, rule, Severity.WARNING, message, fix))

    def estimate(self, path: str, rule: str, message: str, accepted: str | None, setting: str, *, fix: str) -> None:
        """A refusal that rests on an estimate; with a reason in `acceptedRisks.<setting>` it becomes a warning."""
        if accepted is not None:
            self.warning(path, rule, f"{message} (accepted: {accepted})", fix)
        else:
            self.error(path, rule, message, f"{fix}. An estimate you know better: acceptedRisks: {{{setting}: <why>}}")

    def add(self, finding: Finding) -> None:
        """One that was found elsewhere."""
        self._found.append(finding)

    def add_all(self, others: Findings) -> None:
        """Those of another list, in its order."""
        self._found += others.all()

    def all(self) -> tuple[Finding, ...]:
        """What was found, in the order it was found."""
        return tuple(self._found)

    def raise_if_refused(self) -> None:
        """Raises PlanRefused with every finding when one of them is an error."""
        if any(finding.severity is Severity.ERROR for finding in self._found):
            raise PlanRefused(self.all())


def listed(words: Iterable[str], most: int = 8) -> str:
    """Words in a sentence, cut after `most`."""
    every = list(words)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")
