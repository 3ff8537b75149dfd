"""`make up` cold and warm, and what the platform's processes weigh."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time

from bench.timing import REPO
from local.commands.status import memory_mib
from local.host.paths import platform_paths
from local.host.processes import Processes


def _make(target: str, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(["make", target], cwd=REPO, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def platform_figures() -> None:
    """Builds into an empty cache, then starts from the filled one."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": empty,
            "GOCACHE": f"{empty}/go-build",
            "GOMODCACHE": f"{empty}/mod",
        }
        cold = _make("up", environment)
        print(f"make up, nothing built (goal ≤ 720 s): {cold:.0f} s", flush=True)
        used_mib = sum(memory_mib(record) for record in Processes(platform_paths()).records())
        print(f"platform memory (goal ≤ 3072 MiB): {used_mib:.0f} MiB", flush=True)
        again = _make("up", environment)
        print(f"make up again, all running: {again:.0f} s", flush=True)
        _make("down", environment)
        warm = _make("up", environment)
        print(f"make up, all built (goal ≤ 60 s): {warm:.0f} s", flush=True)
        _make("down", environment)
