"""Where another revision's code runs: without the caller's secrets, within bounds, and without a network where the
system lets us take it away.

It is not a jail: the code runs as the caller and can read the caller's files by their full paths. What it is not given
is what lies in the environment (tokens, passphrases, credentials), in HOME, and a way out.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MIB = 2**20
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Variables of the caller that the code is given; HOME and TMPDIR are a folder that is thrown away."""
MOST_SECONDS = 300
MOST_OUTPUT_BYTES = 32 * MIB
MOST_MEMORY_BYTES = 8 * 1024 * MIB
MOST_PROCESSES = 4096  # of the user, so far above one program's; root is not bound by it, but by the time
# A process tree of its own ends with its first process: nothing outlives us. Its /proc shows no other's environment.
_ISOLATED = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


@lru_cache(maxsize=1)
def isolation() -> tuple[str, ...]:
    """The command before the command: empty where the system forbids it (no user namespaces, no `unshare`)."""
    if shutil.which(_ISOLATED[0]) is None:
        return ()
    tried = subprocess.run([*_ISOLATED, "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return _ISOLATED if tried.returncode == 0 else ()


def said() -> str:
    """What a reader should know of how it ran."""
    network = "and without a network" if isolation() else "but with the network, which this system does not let us take"
    return f"its code ran without your environment and HOME, {network}"


@dataclass(frozen=True)
class SandboxOutcome:
    """What a run left: `problem` where it was ended, else its exit code and the bytes it wrote."""

    output: bytes
    errors: bytes
    problem: str | None = None


class Sandbox:
    """One command in the background; `outcome()` waits for it, `close()` ends it and removes what it wrote."""

    def __init__(self, command: Sequence[str], folder: Path, *, seconds: float = MOST_SECONDS) -> None:
        self._seconds = seconds
        self._home = tempfile.TemporaryDirectory(prefix="preview-home-", ignore_cleanup_errors=True)
        home = Path(self._home.name)
        self._out, self._err = home.parent / f"{home.name}.out", home.parent / f"{home.name}.err"
        # Files, not pipes: a file has a largest size, and need no reader.
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*isolation(), *command],
                cwd=folder, env=_environment(home), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True, preexec_fn=_bounded,
            )  # fmt: skip

    def outcome(self) -> SandboxOutcome:
        """Waits for the end, at most so long."""
        problem = None
        try:
            code = self._process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            code, problem = 0, f"its evaluation took longer than {self._seconds:g} s"
        self._end()
        output, errors = _beginning(self._out), _beginning(self._err)
        if len(output) >= MOST_OUTPUT_BYTES or len(errors) >= MOST_OUTPUT_BYTES:
            problem = f"its evaluation wrote more than {MOST_OUTPUT_BYTES // MIB} MiB"
        elif code < 0 and problem is None:
            problem = f"its evaluation was ended by {signal.Signals(-code).name}"
        return SandboxOutcome(output, errors, problem)

    def close(self) -> None:
        self._end()
        self._out.unlink(missing_ok=True)
        self._err.unlink(missing_ok=True)
        self._home.cleanup()

    def _end(self) -> None:
        """The whole group: what it started must not go on."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _environment(home: Path, caller: Mapping[str, str] | None = None) -> dict[str, str]:
    environment = os.environ if caller is None else caller
    own = {"HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
    return {name: environment[name] for name in PASSED if name in environment} | own


def _bounded() -> None:
    """In the child, before it becomes the command."""
    for kind, most in (
        (resource.RLIMIT_FSIZE, MOST_OUTPUT_BYTES),
        (resource.RLIMIT_AS, MOST_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_OUTPUT_BYTES)
    except OSError:
        return b""
