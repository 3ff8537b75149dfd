"""The other revision: its files in a temporary folder, its program run by its own code in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from preview.masking import masked
from preview.other_report import NoJson, NoReport, read_report
from preview.report import Base
from preview.revision import RevisionError, commit_of, write_files
from preview.sandbox import MOST_SECONDS, Sandbox, said

LONGEST_ERROR = 300
HERE = Path(__file__).resolve().parent


class BaseRun:
    """Starts at once and runs beside our own evaluation; `result()` waits for it."""

    def __init__(self, root: Path, revision: str, stack: str) -> None:
        self._revision, self._stack = revision, stack
        self._commit: str | None = None
        self._problem: str | None = None
        self._run: Sandbox | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="preview-", ignore_cleanup_errors=True)
        self._by_itself = False
        try:
            self._commit = commit_of(root, revision)
            write_files(root, self._commit, Path(self._folder.name))
        except RevisionError as error:
            self._problem = masked(str(error))
            return
        self._start(by_itself=(Path(self._folder.name) / "preview" / "__main__.py").is_file())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._run is not None:
            self._run.close()
        self._folder.cleanup()

    def _start(self, by_itself: bool) -> None:
        """The revision's own preview, or our recorder on the revision's program."""
        tree = Path(self._folder.name)
        self._by_itself = by_itself
        own = ["-m", "preview", self._stack, "--format", "json"]
        command = own if by_itself else [str(HERE / "standalone.py"), str(tree), self._stack]
        self._run = Sandbox([sys.executable, *command], tree, seconds=MOST_SECONDS)

    def result(self) -> Base:
        """What the revision registers, or why that is not known."""
        if self._run is None:
            return Base(self._revision, self._commit, problem=self._problem)
        outcome = self._run.outcome()
        if outcome.problem is not None:
            return self._failed(outcome.problem)
        try:
            return Base(self._revision, self._commit, read_report(outcome.output))
        except NoJson as error:
            if self._by_itself:  # a revision whose preview was broken still has a program
                self._run.close()
                self._start(by_itself=False)
                return self.result()
            last = (outcome.errors.decode(errors="replace").strip().splitlines() or [str(error)])[-1]
            return self._failed(f"its evaluation failed: {last[:LONGEST_ERROR]}")
        except NoReport as error:
            return self._failed(str(error))

    def _failed(self, why: str) -> Base:
        return Base(self._revision, self._commit, problem=masked(f"{why} ({said()})"))
