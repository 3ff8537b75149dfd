"""One run of the Pulumi CLI: how it is waited for and what it says it did."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Watch = Callable[[], list[str]]
"""Asked again and again while an update runs: why it should be given up; nothing while it should go on."""
WATCH_SECONDS = 1.0
CHANGES = ("create", "update", "replace", "delete", "create-replacement", "delete-replaced", "import", "read")


def never() -> list[str]:
    """The watch of an update that is waited for however long it takes."""
    return []


@dataclass(frozen=True)
class UpdateSummary:
    """What an update did, as the engine counted it."""

    resource_changes: Mapping[str, int]

    @property
    def changes(self) -> int:
        return sum(self.resource_changes.get(kind, 0) for kind in CHANGES)

    @property
    def unchanged(self) -> int:
        return self.resource_changes.get("same", 0)


def wait_for(child: subprocess.Popen[bytes], given_up: Watch) -> tuple[int, bool, list[str]]:
    """Exit code, whether Ctrl-C came, and why it was given up. The CLI got the same Ctrl-C: it lets what runs end and
    writes its state, so it is not killed here (as subprocess.run would do)."""
    interrupted = False
    reasons: list[str] = []
    while True:
        try:
            return child.wait(WATCH_SECONDS), interrupted, reasons
        except subprocess.TimeoutExpired:
            if not reasons and (reasons := given_up()):
                child.send_signal(signal.SIGINT)
        except KeyboardInterrupt:
            interrupted = True


def resource_changes(events: Path) -> dict[str, int]:
    """`resourceChanges` of the last summary event; the preview's summary comes before the update's."""
    changes: dict[str, int] = {}
    for line in events.read_text().splitlines():
        summary = json.loads(line).get("summaryEvent") if "summaryEvent" in line else None
        if summary:
            changes = summary["resourceChanges"]
    return changes
