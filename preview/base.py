"""The other revision: its files in a temporary folder, its program run by its own code in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from planning.units import HOURS_PER_MONTH
from preview.masking import masked
from preview.report import Base

TIMEOUT_SECONDS = 300
HERE = Path(__file__).resolve().parent


class BaseRun:
    """Starts at once and runs beside our own evaluation; `result()` waits for it.

    The files come from `git archive`, not from `git worktree add`, which would write into the repository and run its
    hooks.
    """

    def __init__(self, root: Path, revision: str, stack: str) -> None:
        self._revision, self._stack = revision, stack
        self._process: subprocess.Popen[str] | None = None
        self._by_itself = False
        self._folder = tempfile.TemporaryDirectory(prefix="preview-")
        self._commit, self._problem = _commit(root, revision)
        if self._commit:
            self._problem = _extract(root, self._commit, Path(self._folder.name))
        if self._problem is None:
            has_preview = (Path(self._folder.name) / "preview" / "__main__.py").exists()
            self._process = self._start(by_itself=has_preview)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._folder.cleanup()

    def _start(self, by_itself: bool) -> subprocess.Popen[str]:
        """The revision's own preview, or our recorder on the revision's program."""
        tree = Path(self._folder.name)
        self._by_itself = by_itself
        own = ["-m", "preview", self._stack, "--format", "json"]
        command = own if by_itself else [str(HERE / "standalone.py"), str(tree), self._stack]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=tree,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def result(self) -> Base:
        """What the revision registers, or why that is not known."""
        if self._process is None:
            return Base(self._revision, self._commit, problem=self._problem)
        try:
            output, errors = self._process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return self._failed(f"its evaluation took longer than {TIMEOUT_SECONDS} s")
        try:
            document = json.loads(output)
        except json.JSONDecodeError:
            if self._by_itself:  # a revision whose preview was broken still has a program
                self._process = self._start(by_itself=False)
                return self.result()
            return self._failed(f"its evaluation failed: {(errors.strip().splitlines() or ['no output'])[-1]}")
        problem = _problem_of(document)
        return self._failed(problem) if problem else Base(self._revision, self._commit, _completed(document))

    def _failed(self, why: str) -> Base:
        return Base(self._revision, self._commit, problem=masked(why))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)


def _commit(root: Path, revision: str) -> tuple[str | None, str | None]:
    try:
        found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except FileNotFoundError:
        return None, "git is not on PATH"
    if found.returncode == 0:
        return found.stdout.decode().strip(), None
    return None, f"git knows no revision {revision} (a shallow clone has few: git fetch --unshallow)"


def _extract(root: Path, commit: str, target: Path) -> str | None:
    archive = _git(root, "archive", "--format=tar", commit)
    if archive.returncode != 0:
        return f"git archive failed: {archive.stderr.decode(errors='replace').strip()}"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        # Pythons before 3.11.4 (Debian 12 has 3.11.2) know no filters; the archive is of this repository's own files.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        files.extractall(target, **options)
    return None


def _problem_of(document: dict[str, Any]) -> str | None:
    if "problem" in document:
        return f"its program fails: {document['problem']}"
    if not document["resources"]:
        errors = [f"{each['path']}: {each['message']}" for each in document.get("findings", ())]
        return "its stack file cannot work: " + ("; ".join(errors) or "no resources")
    return None


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """A recording without a report has its cost in the stack's outputs."""
    hour = document["outputs"].get("usdPerHour")
    if "cost" not in document and isinstance(hour, dict):
        low, high = hour.get("min"), hour.get("max")
        document["cost"] = {
            "usd_per_hour_min": low,
            "usd_per_hour_max": high,
            "usd_per_month_min": round(low * HOURS_PER_MONTH, 2) if low is not None else None,
            "usd_per_month_max": round(high * HOURS_PER_MONTH, 2) if high is not None else None,
        }
    made: dict[str, Any] = masked(document)
    return made
