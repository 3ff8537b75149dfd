"""`make up` cold and warm, and what the platform's processes weigh."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.timing import REPO


def _make(target: str, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(["make", target], cwd=REPO, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def resident_mib(folder: Path) -> float:
    """Resident memory of every process whose pid file lies in the folder, in MiB (Linux)."""
    total_kib = 0
    for pid_file in folder.glob("*.pid"):
        status = Path(f"/proc/{pid_file.read_text().split()[0]}/status")
        if status.exists():
            total_kib += sum(int(line.split()[1]) for line in status.read_text().splitlines() if "VmRSS" in line)
    return total_kib / 1024


def platform_figures() -> None:
    """Builds into an empty cache, then starts from the filled one."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "XDG_CACHE_HOME": empty, "GOCACHE": f"{empty}/go-build"}
        cold = _make("up", environment)
        print(f"make up, nothing built (goal ≤ 720 s): {cold:.0f} s", flush=True)
        print(f"platform memory (goal ≤ 3072 MiB): {resident_mib(REPO / '.local/run'):.0f} MiB", flush=True)
        again = _make("up", environment)
        print(f"make up again, all running: {again:.0f} s", flush=True)
        _make("down", environment)
        warm = _make("up", environment)
        print(f"make up, all built (goal ≤ 60 s): {warm:.0f} s", flush=True)
        _make("down", environment)
