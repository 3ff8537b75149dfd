"""What a build needs of the machine, refused before it starts; and what to do when it fails for want of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.build.go import Go
from local.build.progress import Progress
from local.host.errors import BuildFailed, PlatformError

MEGABYTES_A_PACKAGE = 0.95
"""In Go's cache, for a package that is to be compiled: 4.2 GB for 4,587 packages. Measured 2026-11-27, Go 1.26.8."""
MEGABYTES_OF_PROGRAMS = 1500
"""Programs and what their linking needs meanwhile. Measured the same day: 0.95 GB of programs."""
COMPILER_GIBIBYTES = 1.5
"""Memory that one compiler may need; Go starts as many as there are cores."""


def refuse_without_space(
    go: Go, target: Path, progress: Progress, free_bytes: Callable[[Path], int] | None = None
) -> None:
    """Raises PlatformError where a build would fill the disk of its results or of Go's cache."""
    free = free_bytes or (lambda path: shutil.disk_usage(path).free)
    cache = go.cache_folder
    needed = {
        target: MEGABYTES_OF_PROGRAMS if progress.packages else 0,
        cache: int(len(progress.packages) * MEGABYTES_A_PACKAGE),
    }
    by_device: dict[int, tuple[Path, int]] = {}
    for path, megabytes in needed.items():
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        device = there.stat().st_dev
        first, sum_so_far = by_device.get(device, (there, 0))
        by_device[device] = (first, sum_so_far + megabytes)
    for path, megabytes in by_device.values():
        if free(path) < megabytes * 10**6:
            raise PlatformError(
                f"no space to build: {free(path) / 1e9:.1f} GB free at {path}, {megabytes / 1e3:.1f} GB needed; "
                "make room, or name another disk: XDG_CACHE_HOME (programs) and GOCACHE (what Go compiles)"
            )


def parallel_compilers(cores: int, available_gibibytes: float | None) -> int:
    """How many packages to compile at once: one a core, fewer where memory would run out."""
    if available_gibibytes is None:
        return cores
    return max(1, min(cores, int(available_gibibytes / COMPILER_GIBIBYTES)))


def available_gibibytes() -> float | None:
    """Memory that processes can still have, GiB; None where the system does not say."""
    try:
        match = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) / 2**20 if match else None


@dataclass(frozen=True)
class Advice:
    """A text in what a failed build said, and what to do about it."""

    pattern: str
    say: str


ADVICE: tuple[Advice, ...] = (
    Advice(r"signal: killed|cannot allocate memory|out of memory|ended with -9", "memory ran out: close other programs"
           " and run it again with GOMAXPROCS=1; it goes on where it was"),
    Advice(r"no space left on device", "the disk is full: make room, or name another disk with XDG_CACHE_HOME and"
           " GOCACHE, and run it again; it goes on where it was"),
    Advice(r"403 Forbidden|404 Not Found|410 Gone", "the Go module proxy refuses this version: `go env GOPROXY` says"
           " which proxy is asked"),
    Advice(r"no such host|dial tcp|i/o timeout|TLS handshake|connection re(?:fused|set)", "the Go module proxy cannot"
           " be reached: `go env GOPROXY` says which; run it again once it can be, it goes on where it was"),
    Advice(r"checksum mismatch|SECURITY ERROR", "a module is not what go.sum pins: do not use it; `go clean -modcache`"
           " takes away a damaged download"),
)  # fmt: skip


def with_advice(failed: BuildFailed) -> BuildFailed:
    """The same failure with a last line that says what to do, where its cause is a known one."""
    for advice in ADVICE:
        if re.search(advice.pattern, failed.output):
            return BuildFailed(failed.tool, failed.command, failed.output, advice.say)
    return failed


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
