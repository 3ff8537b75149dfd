"""What `up` and `down` say while they work: the stage, its time, and one moving line for long builds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stages:
    """Times the stages of one command and can say them all at the end."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Prints the title, and at the end how long it took; a failing stage is recorded too."""
        print(f"▸ {title}", flush=True)
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds.append((title, time.monotonic() - start))
            print(f"  {title}: {self.seconds[-1][1]:.1f} s", flush=True)

    def table(self) -> str:
        """One line per stage and their sum, s."""
        rows = [*self.seconds, ("in all", sum(seconds for _, seconds in self.seconds))]
        width = max(len(title) for title, _ in rows)
        return "\n".join(f"  {title:<{width}}  {seconds:6.1f} s" for title, seconds in rows)


class MovingLine:
    """One line that is overwritten on a terminal; elsewhere a line every `every_seconds`."""

    def __init__(self, label: str, every_seconds: float = 20.0) -> None:
        self._label = label
        self._start = time.monotonic()
        self._every_seconds = every_seconds if not sys.stdout.isatty() else 0.2
        self._next = self._start + self._every_seconds

    def show(self, detail: str) -> None:
        """Shows label, elapsed time and `detail`, if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every_seconds
        text = f"  {self._label} {now - self._start:4.0f} s  {detail}"[:110]
        print(f"\r\033[K{text}" if sys.stdout.isatty() else text, end="", flush=True)
        if not sys.stdout.isatty():
            print(flush=True)

    def close(self) -> None:
        """Removes the moving line from a terminal."""
        if sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)
