"""`make bench`: every figure of docs/figures.md that needs no platform; `make bench PLATFORM=1` adds `make up`."""

from __future__ import annotations

import os
import subprocess

from bench.platform import platform_figures
from bench.timing import REPO, compare, run


def main() -> None:
    """Prints one line per figure: name, goal, value."""
    run(["-m", "bench.program", "keep", "dev"])
    evaluation = compare(["-m", "bench.program", "evaluate", "dev"], ["-m", "bench.program", "bare", "dev"])
    print(f"program evaluation of dev ÷ bare registration (goal ≤ 1.15): {evaluation}", flush=True)
    growth = compare(["-m", "bench.program", "models", "500"], ["-m", "bench.program", "models", "50"], pairs=1)
    print(f"500 models ÷ 50 models (goal ≤ 10.5, ≤ 1024 MiB): {growth}", flush=True)
    plan = run(["-m", "bench.program", "plan", "500"])
    print(f"settings and plan of 500 models: {plan.cpu_seconds:.2f} s CPU, {plan.peak_mib:.0f} MiB", flush=True)
    if os.environ.get("PLATFORM") == "1":
        platform_figures()
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPO, capture_output=True, text=True)
    print(f"at {revision.stdout.strip()}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
