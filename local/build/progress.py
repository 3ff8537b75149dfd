"""How far a build is: n of m packages and the time left, by what each package cost on the last machine measured."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from local.build.go import Go
from local.host.errors import BuildFailed

FIGURES = Path(__file__).with_name("build_seconds.csv")
"""package, CPU seconds of compiling it: those that took most, and in row `*` each of the others. The file says when."""
LINK_SECONDS = 4.0
"""CPU of linking one program, s; the same machine and day."""
LEARNING_SECONDS = 30.0
"""So long the time left is told by the figures alone, later by this machine's own speed."""


@cache
def seconds_by_package() -> Mapping[str, float]:
    """Package -> CPU seconds; `*` stands for every other."""
    with FIGURES.open(newline="") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        return {package: float(seconds) for package, seconds in rows}


@dataclass
class Progress:
    """What a build has still to compile and link, and what it has done."""

    packages: frozenset[str]
    """To be compiled: Go's cache does not hold them."""
    total: int
    """With those that it holds."""
    programs: int
    parallel: int
    """Packages compiled at once."""
    _started: set[str] = field(default_factory=set)
    _started_seconds: float = 0.0

    @property
    def all_seconds(self) -> float:
        """CPU of everything that is to be done, s, on the machine of the figures."""
        return sum(map(_seconds, self.packages)) + LINK_SECONDS * self.programs

    def line(self, text: str) -> None:
        """Takes a line of `go build -v`: the name of a package whose compilation begins."""
        if text in self.packages and text not in self._started:
            self._started.add(text)
            self._started_seconds += _seconds(text)

    def left_seconds(self, elapsed_seconds: float) -> float:
        """Wall time that is left."""
        todo = max(self.all_seconds - self._started_seconds, 0.0)
        if elapsed_seconds < LEARNING_SECONDS or self._started_seconds == 0:
            return todo / self.parallel
        return todo * elapsed_seconds / self._started_seconds

    def text(self, elapsed_seconds: float) -> str:
        """For the moving line."""
        if len(self._started) == len(self.packages):
            return f"{self.total:,} packages compiled, linking"
        before = self.total - len(self.packages)
        return (
            f"{before + len(self._started):,} of {self.total:,} packages, "
            f"about {duration(self.left_seconds(elapsed_seconds))} left"
        )

    def plan(self) -> str:
        """Said before the build starts."""
        before = self.total - len(self.packages)
        earlier = f" ({before:,} are compiled already)" if before else ""
        return f"{self.total:,} packages{earlier}, about {duration(self.all_seconds / self.parallel)}"


def _seconds(package: str) -> float:
    known = seconds_by_package()
    return known.get(package, known["*"])


def duration(seconds: float) -> str:
    """Seconds below a minute and a half, minutes above."""
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min"


def progress_of(
    go: Go,
    flags: Sequence[str],
    packages: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    parallel: int = 1,
) -> Progress:
    """Asks Go what of these programs its cache does not hold; raises BuildFailed where their sources do not load."""
    form = "{{.ImportPath}}\t{{.Stale}}\t{{.StaleReason}}"
    command = [str(go.program), "list", *flags, "-deps", "-f", form, *packages]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildFailed(folder.name, command, done.stderr)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return Progress(frozenset(to_compile(rows, packages)), len(rows), len(packages), parallel)


def to_compile(rows: Iterable[Sequence[str]], programs: Sequence[str]) -> Iterable[str]:
    """Packages that Go is going to compile, of (package, stale, reason); of programs, which are linked anyway, all."""
    for package, stale, reason in rows:
        if stale == "true" and (package in programs or not reason.startswith("not installed but available")):
            yield package
