"""What was asked and answered. Value types; nothing here asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from planning.model import Finding, Severity, StackPlan

if TYPE_CHECKING:
    from preflight.account import AwsAccount


class Verdict(StrEnum):
    """OK: the account has what the plan counts on. ERROR: `up` would fail on it. WARNING: valid, but likely to
    cause trouble later. UNKNOWN: AWS did not answer. GUESS: not asked."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"
    GUESS = "guess"


_SEVERITIES = {Verdict.ERROR: Severity.ERROR, Verdict.WARNING: Severity.WARNING}


@dataclass(frozen=True)
class Answer:
    """`path`: of the stack file, as the plan names it. `message`: value and limit; `fix`: what to do about it.

    `settles`: rules of the plan's own findings at that path which said that it is not known.
    """

    question: str
    path: str
    verdict: Verdict
    message: str
    settles: tuple[str, ...] = ()
    fix: str = ""

    @property
    def text(self) -> str:
        """Message and fix in one sentence."""
        return self.finding().text

    def finding(self) -> Finding:
        """What it says against the stack; of OK and GUESS, what is good to know."""
        return Finding(
            self.path, f"account-{self.question}", _SEVERITIES.get(self.verdict, Severity.INFO), self.message, self.fix
        )


@dataclass(frozen=True)
class Question:
    """One thing to find out. `guess`: what the plan takes for true without asking; None: not this plan's question.

    `ask` yields answers; `preflight.account.Unanswered` ends it with UNKNOWN.
    """

    id: str
    path: str
    guess: Callable[[StackPlan], str | None]
    ask: Callable[[StackPlan, AwsAccount], Iterable[Answer]]


@dataclass(frozen=True)
class PreflightReport:
    """All answers, in the questions' order. `asked` False: there were no credentials, everything is a guess."""

    stack: str
    region: str
    asked: bool
    answers: tuple[Answer, ...]
    account_id: str | None = None
    caller_arn: str | None = None
    seconds: float = field(default=0.0, compare=False)

    def of(self, *verdicts: Verdict) -> tuple[Answer, ...]:
        """The answers with one of these verdicts."""
        return tuple(answer for answer in self.answers if answer.verdict in verdicts)

    def as_json(self) -> dict[str, Any]:
        """For machines; keys are stable."""
        answers = [
            {
                "question": answer.question,
                "path": answer.path,
                "verdict": answer.verdict.value,
                "message": answer.message,
                "fix": answer.fix,
            }
            for answer in self.answers
        ]
        return {
            "stack": self.stack,
            "region": self.region,
            "asked": self.asked,
            "account": self.account_id,
            "caller": self.caller_arn,
            "answers": answers,
        }
