"""What is fuzzed: a stack file → settings → plan → the program under the recorder → the four formats of its report."""

from __future__ import annotations

import random
import signal
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import FrameType

from planning.model import StackPlan
from planning.prepare import Prepared, prepare
from preview.__main__ import FORMATS
from preview.evaluate import evaluate
from preview.formats import rendered
from settings.stack_file import StackFileError
from tests.conftest import REPO

STACK = "fuzz"
TODAY = date(2026, 11, 27)
MOST_WALL_SECONDS = 120.0
MOST_SECONDS = 5.0
"""Of one case; one that takes longer hangs."""
LONGEST_MESSAGE = 2000  # characters


class Hangs(BaseException):
    """A case took longer than MOST_SECONDS; no `except Exception` on its way may take it for its own."""


class SaidBadly(Exception):
    """A message that nobody can read, or that a terminal would obey."""


@dataclass(frozen=True)
class Ended:
    """How a case ended: `verdict` unreadable, refused, planned, shown, or failed with a traceback."""

    verdict: str
    failure: str | None = None


class Target:
    """Runs cases in a folder of its own, in this process."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        (folder / "Pulumi.yaml").write_bytes((REPO / "Pulumi.yaml").read_bytes())
        self._file = folder / f"Pulumi.{STACK}.yaml"

    def run(self, text: str, *, show: bool) -> Ended:
        """One case; anything but a plan and a refusal is a failure. `show`: on to program and formats, if it plans."""
        self._file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            with _bounded():
                return Ended(self._ends(show))
        except (Exception, Hangs, SystemExit):  # SystemExit: the last line of defence was reached
            return Ended("failed", traceback.format_exc())

    def _ends(self, show: bool) -> str:
        try:
            prepared = prepare(self._root, STACK)
        except StackFileError as error:
            _check_said(str(error))
            return "unreadable"
        for finding in prepared.findings:
            _check_said(f"{finding.path}: {finding.text}")
        if prepared.plan is None:
            if not prepared.findings:
                raise SaidBadly("refused without a reason")
            return "refused"
        if not show:
            return "planned"
        _show(prepared, prepared.plan)
        return "shown"


def _show(prepared: Prepared, plan: StackPlan) -> None:
    """Raises ProgramFailed, which is a failure: a plan is a promise that the program runs to its end."""
    document, _ = evaluate(replace(prepared, root=REPO), plan, None, TODAY)
    for name in FORMATS:
        if not rendered(document, name):
            raise SaidBadly(f"{name} is empty")


def _check_said(text: str) -> None:
    if not text.isprintable() or len(text) > LONGEST_MESSAGE:
        raise SaidBadly(ascii(text)[:LONGEST_MESSAGE])


@contextmanager
def _bounded() -> Iterator[None]:
    """CPU seconds, so that other work on the machine is no failure; wall seconds for what sleeps."""

    def ring(number: int, _: FrameType | None) -> None:
        if number == signal.SIGPROF:
            raise Hangs(f"longer than {MOST_SECONDS:g} CPU seconds")
        raise Hangs(f"longer than {MOST_WALL_SECONDS:g} s")

    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, MOST_SECONDS),
        signal.SIGALRM: (signal.ITIMER_REAL, MOST_WALL_SECONDS),
    }
    before = {number: signal.signal(number, ring) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


@contextmanager
def target() -> Iterator[Target]:
    """A target in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        yield Target(Path(folder))


def is_sampled(seed: int, index: int, share: float) -> bool:
    """Whether a case goes on to program and formats, which takes a hundred times as long as its plan."""
    return random.Random(f"{seed}:{index}:shown").random() < share
