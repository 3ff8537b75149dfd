"""What can go wrong on the platform, each with enough said to act on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class PlatformError(Exception):
    """Shown to the user as it is, without a traceback."""

    exit_code = 1


def last_lines(text: str, count: int = 20) -> str:
    """The last lines of a log, indented so that they read as a quotation."""
    lines = text.rstrip().splitlines()[-count:]
    return "\n".join(f"    | {line}" for line in lines) or "    | (nothing was written)"


class ProcessFailed(PlatformError):
    """A process of the platform crashed or did not come up in time."""

    def __init__(self, name: str, what: str, log: Path, text: str) -> None:
        super().__init__(f"{name} {what}; the end of {log}:\n{last_lines(text)}")
        self.name = name


class BuildFailed(PlatformError):
    """A pinned program could not be built or fetched; `advice` says what to do, where the cause is a known one."""

    def __init__(self, tool: str, command: Sequence[str], output: str, advice: str = "") -> None:
        said = f"building {tool} failed: {' '.join(command)}\n{last_lines(output)}"
        super().__init__(f"{said}\n{advice}" if advice else said)
        self.tool = tool
        self.command = command
        self.output = output
