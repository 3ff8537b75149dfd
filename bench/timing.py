"""Pairs of processes, measured in turn, so that a machine whose speed drifts does not tilt the ratio."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Sample:
    """One finished process: wall and CPU seconds, peak resident memory in MiB."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def run(arguments: Sequence[str]) -> Sample:
    """Runs `python -m ...` in the checkout. Raises CalledProcessError with its output when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Ratio:
    """Ratios A/B pair by pair, and the two medians in CPU seconds."""

    lowest: float
    median: float
    highest: float
    a_cpu_seconds: float
    b_cpu_seconds: float
    a_peak_mib: float

    def __str__(self) -> str:
        return (
            f"median {self.median:.2f} (min {self.lowest:.2f}, max {self.highest:.2f}); "
            f"CPU {self.a_cpu_seconds:.2f} s / {self.b_cpu_seconds:.2f} s; peak {self.a_peak_mib:.0f} MiB"
        )


def compare(a: Sequence[str], b: Sequence[str], pairs: int = 5) -> Ratio:
    """CPU time of A over B, in turn, after one warm-up each."""
    run(a), run(b)
    samples = [(run(a), run(b)) for _ in range(pairs)]
    ratios = [first.cpu_seconds / second.cpu_seconds for first, second in samples]
    return Ratio(
        min(ratios),
        statistics.median(ratios),
        max(ratios),
        statistics.median(first.cpu_seconds for first, _ in samples),
        statistics.median(second.cpu_seconds for _, second in samples),
        max(first.peak_mib for first, _ in samples),
    )
