"""One run of the Pulumi CLI that can be watched by its events and killed with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from local.faults.holds import DoesNotHold

Event = Mapping[str, Any]
LIMIT_SECONDS: Final = 600.0
"""An update ends by itself within this, disturbed or not; nothing hangs. Undisturbed it takes one minute alone on two
cores, most of it for nodes that roll one by one, and five beside other work (load 25)."""


class EngineRun:
    """A CLI in a session of its own, so that it and its language host and providers can be told from all else."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        events: bool = True,
        preexec: Callable[[], None] | None = None,
    ) -> None:
        self.log = log
        self._events_file = log.with_suffix(".events.json")
        self._events_file.unlink(missing_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *(["--event-log", str(self._events_file)] if events else [])],
                env={**environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=preexec,
            )

    @property
    def text(self) -> str:
        """What the CLI has said so far."""
        return self.log.read_text(errors="replace")

    def said(self) -> str:
        """What the CLI has said, with the engine's diagnostics that only a terminal shows."""
        lines = [str(d["message"]) for event in self.events() if (d := event.get("diagnosticEvent"))]
        return "\n".join([self.text, *lines])

    @property
    def why(self) -> str:
        """Log and diagnostics of a run that failed, without the stack's outputs; its end where it has none."""
        _, named, diagnostics = self.text.partition("\nDiagnostics:\n")
        output = diagnostics.partition("\nOutputs:\n")[0] if named else self.text
        return f"{self.log}:\n{output.strip()[-2500:]}"

    def event_count(self) -> int:
        """Events of the engine so far."""
        return self._events_file.read_bytes().count(b"\n") if self._events_file.exists() else 0

    def events(self) -> list[Event]:
        """Events of the engine so far; a line that is being written is left out."""
        lines = self._events_file.read_text().split("\n")[:-1] if self._events_file.exists() else []
        return [json.loads(line) for line in lines]

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = 120) -> bool:
        """False if the CLI ended, or the time did, before the condition held."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            if self.process.poll() is not None:
                return condition()
            time.sleep(0.02)
        return False

    def wait_for_step(self, kind_prefix: str, timeout_seconds: float = 180) -> bool:
        """Waits until the engine begins to create, update or delete a resource of such a type."""

        def begun() -> bool:
            for event in self.events():
                metadata = (event.get("resourcePreEvent") or {}).get("metadata") or {}
                if metadata.get("op") not in (None, "same", "read") and metadata["type"].startswith(kind_prefix):
                    return True
            return False

        return self.wait_until(begun, timeout_seconds)

    def unfinished(self) -> list[str]:
        """Steps that began and have not ended: `operation URN's name`, in the order of their beginnings."""
        begun: dict[tuple[str, str], str] = {}
        for event in self.events():
            for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
                metadata = (event.get(kind) or {}).get("metadata")
                if not metadata:
                    continue
                step = (metadata["op"], metadata["urn"])
                if kind == "resourcePreEvent":
                    begun[step] = f"{metadata['op']} {metadata['urn'].rpartition('::')[2]}"
                else:
                    begun.pop(step, None)
        return list(begun.values())

    def end(self, timeout_seconds: float = LIMIT_SECONDS) -> int:
        """Exit code; after the time-out everything is killed and DoesNotHold says so."""
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            at_work = ", ".join(self.unfinished()) or "no resource"
            self.kill()
            raise DoesNotHold(f"pulumi still ran after {timeout_seconds:.0f} s, at {at_work}; {self.why}") from None

    def members(self) -> list[psutil.Process]:
        """All processes of its session, whatever process is their parent by now."""
        processes = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.process.pid:
                    processes.append(process)
            except (ProcessLookupError, PermissionError):
                continue
        return processes

    def kill(self) -> list[str]:
        """SIGKILL to the CLI first, then to its language host and providers, as in a crash of the machine.

        Returns the names of what was killed.
        """
        killed: dict[int, str] = {}
        while members := [member for member in self.members() if member.status() != psutil.STATUS_ZOMBIE]:
            for process in sorted(members, key=lambda process: process.pid != self.process.pid):
                try:
                    killed.setdefault(process.pid, process.name())
                    os.kill(process.pid, signal.SIGKILL)
                except (psutil.NoSuchProcess, ProcessLookupError):
                    continue
            self.process.poll()
            time.sleep(0.02)
        self.process.wait()
        return list(killed.values())

    def provider(self, name: str) -> psutil.Process:
        """The process of a provider: `aws` or `kubernetes`."""
        for process in self.members():
            try:
                if any(
                    part.endswith((f"pulumi-resource-{name}", f"local.providers.{name}")) for part in process.cmdline()
                ):
                    return process
            except psutil.NoSuchProcess:
                continue
        raise DoesNotHold(f"no provider {name} runs among {[member.name() for member in self.members()]}")
