"""Starting, finding again and stopping the platform's processes.

Every process has its own session, a log, and a record with its pid and its start time, so that a process which
later got the same pid is never taken for ours and never stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.host.errors import ProcessFailed
from local.host.paths import Paths

# A start time read twice can differ by the clock's own corrections; a pid is not reused within this time.
START_TIME_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class ProcessSpec:
    """One process: how it is started and how one sees that it is up."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_seconds: float = 180.0
    """For one that hangs: one that ends is told at once. Imports alone take a minute at a load of 25 on two cores."""
    content: tuple[Path, ...] = ()
    """Files it reads once at its start: a change restarts it."""
    writes_when_ready: tuple[Path, ...] = ()
    """Files of an earlier run that would make it seem ready: removed before the start."""

    def digest(self) -> str:
        """Changes when the process would be started differently."""
        digest = hashlib.sha256(json.dumps([self.command, sorted(self.environment.items())]).encode())
        for path in sorted(self.content):
            digest.update(path.read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Record:
    """What is written about a started process."""

    name: str
    pid: int
    started_at: float
    digest: str
    order: int

    def process(self) -> psutil.Process | None:
        """The living process this record is about, or None if it is gone or the pid belongs to another one."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started_at) > START_TIME_TOLERANCE_SECONDS:
                return None
            return process if _lives(process) else None
        except psutil.NoSuchProcess:
            return None


class Processes:
    """The processes of one platform, found through their records in `.local/run`."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def log_file(self, name: str) -> Path:
        return self._paths.log / f"{name}.log"

    def _record_file(self, name: str) -> Path:
        return self._paths.run / f"{name}.pid"

    def records(self) -> list[Record]:
        """All records in the order of the starts, of living and of dead processes."""
        records = [Record(**json.loads(path.read_text())) for path in self._paths.run.glob("*.pid")]
        return sorted(records, key=lambda record: record.order)

    def record(self, name: str) -> Record | None:
        path = self._record_file(name)
        return Record(**json.loads(path.read_text())) if path.exists() else None

    def is_alive(self, name: str) -> bool:
        record = self.record(name)
        return record is not None and record.process() is not None

    def ensure(self, spec: ProcessSpec) -> bool:
        """Reuses the living process or starts it, and waits until it is ready. True if it was started now.

        Raises ProcessFailed with the last lines of its log when it crashes or is not ready in time.
        """
        return bool(self.ensure_all([spec]))

    def ensure_all(self, specs: Iterable[ProcessSpec]) -> list[str]:
        """As `ensure`, for processes that do not need each other: all are started before one is waited for.

        Returns the names of those that were started now.
        """
        begun: list[tuple[ProcessSpec, int, bool]] = []
        for spec in specs:
            record = self.record(spec.name)
            if record and record.process() and record.digest == spec.digest():
                begun.append((spec, 0, False))
                continue
            self.stop(spec.name)
            begun.append((spec, self._start(spec), True))
        for spec, offset, _ in begun:
            self._wait(spec, offset)
        return [spec.name for spec, _, is_new in begun if is_new]

    def _start(self, spec: ProcessSpec) -> int:
        """Starts it and writes its record; returns where in the log this run begins, bytes."""
        log = self.log_file(spec.name)
        for folder in (log.parent, self._paths.run):
            folder.mkdir(parents=True, exist_ok=True)
        for stale in spec.writes_when_ready:
            stale.unlink(missing_ok=True)
        with log.open("ab") as output:
            offset = output.tell()
            try:
                child = subprocess.Popen(
                    spec.command,
                    env={**os.environ, **spec.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._paths.repo,
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessFailed(spec.name, f"could not be started ({error})", log, "") from error
        self._children[spec.name] = child
        record = {
            "name": spec.name,
            "pid": child.pid,
            "started_at": psutil.Process(child.pid).create_time(),
            "digest": spec.digest(),
            "order": 1 + max((record.order for record in self.records()), default=0),
        }
        unfinished = self._record_file(spec.name).with_suffix(".new")
        unfinished.write_text(json.dumps(record))
        unfinished.replace(self._record_file(spec.name))
        return offset

    def _wait(self, spec: ProcessSpec, log_offset_bytes: int) -> None:
        deadline = time.monotonic() + spec.ready_timeout_seconds
        while True:
            child = self._children.get(spec.name)
            if child is not None and child.poll() is not None:
                self._fail(spec.name, f"ended with exit code {child.returncode}", log_offset_bytes)
            if child is None and not self.is_alive(spec.name):
                self._fail(spec.name, "is gone", log_offset_bytes)
            if spec.ready():
                return
            if time.monotonic() > deadline:
                what = f"was not ready after {spec.ready_timeout_seconds:.0f} s"
                self._fail(spec.name, what, log_offset_bytes)
            time.sleep(0.1)

    def _fail(self, name: str, what: str, log_offset_bytes: int) -> None:
        log = self.log_file(name)
        text = log.read_bytes()[log_offset_bytes:].decode(errors="replace") if log.exists() else ""
        raise ProcessFailed(name, what, log, text)

    def stop(self, name: str, grace_seconds: float = 10.0) -> bool:
        """Ends the process and what it started, if it is ours. True if something was ended."""
        record = self.record(name)
        process = record.process() if record else None
        if process is not None:
            _end_group(process, grace_seconds)
        child = self._children.pop(name, None)
        if child is not None:
            child.poll()  # reaps it; it may still live when the record was about another process
        self._record_file(name).unlink(missing_ok=True)
        return process is not None

    def stop_all(self, first: Sequence[str] = ()) -> list[str]:
        """Ends `first`, then all others in the reverse order of their starts; returns the names of those that lived."""
        names = [*first, *(record.name for record in reversed(self.records()) if record.name not in first)]
        return [name for name in names if self.stop(name)]


def _end_group(process: psutil.Process, grace_seconds: float) -> None:
    """SIGTERM, then SIGKILL, to the session's process group, until its leader and what it started are gone."""
    family = family_of(process)
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + grace_seconds
        while any(map(_lives, family)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not any(map(_lives, family)):
            return


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """A process and what it started in its own session; a supervisor's programs have their own records."""
    own = [process]
    for child in process.children(recursive=True):
        with contextlib.suppress(OSError):
            if os.getsid(child.pid) == process.pid:
                own.append(child)
    return own


def _lives(process: psutil.Process) -> bool:
    """False for a zombie too: it only waits for its parent to ask."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
