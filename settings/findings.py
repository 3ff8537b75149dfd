"""The one shape of everything that is said against a stack: by settings, plan, policies, account and preview."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from settings.printable import printable
from settings.secrets import hidden


class Severity(StrEnum):
    """What a finding does: an error ends the command, a warning is shown, an info tells what is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One thing that is said about a stack."""

    path: str
    """Where, as the user wrote it: `models[0].maxModelLen`."""
    rule: str
    """Stable id of the check, e.g. `memory-fit`; `settings` for what is malformed."""
    severity: Severity
    message: str
    """What is wrong, with value and limit. No full stop at the end."""
    fix: str
    """What to do about it; empty only where there is nothing to do. No full stop at the end."""

    def __post_init__(self) -> None:
        # Words of the stack file stand in all of them, and all end on a terminal.
        for field in ("path", "message", "fix"):
            object.__setattr__(self, field, hidden(printable(getattr(self, field)), "(hidden)"))

    @property
    def text(self) -> str:
        """Problem and remedy in one sentence: `<message>; <fix>`."""
        return f"{self.message}; {self.fix}" if self.fix else self.message

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def mistake(path: str, message: str, fix: str) -> Finding:
    """An error of the stack file itself: a value that no setting can have."""
    return Finding(path, "settings", Severity.ERROR, message, fix)


class WrongValue(ValueError):
    """A value that no setting can have, said by a validator of ours: what is wrong and what to write instead.

    `more`: what else is wrong with the same value, in the same shape. `missing`: keys of the section, of which one
    would do; where one stands there with a wrong value, that is the mistake.
    """

    def __init__(self, message: str, fix: str, *more: tuple[str, str], missing: tuple[str, ...] = ()) -> None:
        self.said, self.missing = ((message, fix), *more), missing
        super().__init__("\n".join(f"{what}; {instead}" for what, instead in self.said))
