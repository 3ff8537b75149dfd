"""Runs scenarios one after the other and says what held; logs stay under .local-reports/faults."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.commands.platform import exclusively
from local.faults.holds import DoesNotHold, Skipped
from local.faults.scenario import Scenario, chosen
from local.host.errors import PlatformError
from local.host.paths import Paths

if TYPE_CHECKING:
    from local.faults.ground import Ground


@dataclass(frozen=True)
class ScenarioResult:
    """What became of one scenario: `outcome` is held, failed or skipped."""

    name: str
    outcome: str
    seconds: float
    detail: str


def run(paths: Paths, seed: int | None, only: Sequence[str], count: int | None, list_only: bool) -> bool:
    """Runs the chosen scenarios; True if all that could be provoked held."""
    from local.faults.table import SCENARIOS

    if list_only:
        for scenario in SCENARIOS:
            print(f"{scenario.requirement}  {scenario.name:<22}  {scenario.holds}")
        return True
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    try:
        scenarios = chosen(SCENARIOS, seed, only, count)
    except ValueError as error:
        raise PlatformError(f"{error}; the names: python -m local faults --list") from error
    print(f"seed {seed}: {len(scenarios)} of {len(SCENARIOS)} scenarios", flush=True)
    reports = paths.repo / ".local-reports" / "faults"
    with exclusively(replace(paths, state=reports)):
        results = run_all(paths, reports, scenarios, seed)
    (reports / "results.json").write_text(json.dumps({"seed": seed, "results": [asdict(r) for r in results]}, indent=1))
    print(summary(results, seed))
    return not any(result.outcome == "failed" for result in results)


def run_all(paths: Paths, reports: Path, scenarios: Sequence[Scenario], seed: int) -> list[ScenarioResult]:
    """Opens the ground, runs, closes it whatever happens."""
    from local.faults.ground import Ground

    ground = Ground(paths, reports)
    # What is ended from outside ends its platform, too; a shell's background jobs ignore Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    start = time.monotonic()
    try:
        ground.open()
        ground.learn()
        learned = ", ".join(f"{k} {m.seconds:.0f} s / {m.events} events" for k, m in ground.measures.items())
        print(f"undisturbed, {time.monotonic() - start:.0f} s in all: {learned}", flush=True)
        results = []
        for scenario in scenarios:
            results.append(run_one(ground, scenario, seed))
            print(line(results[-1], scenario), flush=True)
        return results
    finally:
        ground.close()


def run_one(ground: Ground, scenario: Scenario, seed: int) -> ScenarioResult:
    """One scenario; whatever it raises is its result, and the next one begins again after a failure."""
    start = time.monotonic()
    try:
        outcome, detail = "held", scenario.run(ground, scenario.random(seed))
    except Skipped as reason:
        outcome, detail = "skipped", str(reason)
    except (DoesNotHold, PlatformError, subprocess.TimeoutExpired) as error:
        outcome, detail = "failed", str(error)
    except Exception:
        outcome, detail = "failed", traceback.format_exc()
    if outcome == "failed":
        ground.state = None
    return ScenarioResult(scenario.name, outcome, time.monotonic() - start, detail)


def line(result: ScenarioResult, scenario: Scenario) -> str:
    """One line of the table; a failure says what must hold and what was found."""
    text = f"{result.outcome:<7}  {result.name:<22} {result.seconds:6.1f} s  "
    if result.outcome == "failed":
        indented = "\n".join(f"    | {line}" for line in result.detail.splitlines())
        return f"{text}must hold: {scenario.holds}\n{indented}"
    return text + result.detail


def summary(results: Sequence[ScenarioResult], seed: int) -> str:
    """`n of m held`, what was skipped and failed, and how to repeat it."""
    counts = {kind: [r for r in results if r.outcome == kind] for kind in ("held", "skipped", "failed")}
    tried = len(results) - len(counts["skipped"])
    lines = [f"\n{len(counts['held'])} of {tried} held, seed {seed}, {sum(r.seconds for r in results):.0f} s"]
    lines += [f"skipped: {result.name}: {result.detail}" for result in counts["skipped"]]
    if counts["failed"]:
        names = ",".join(result.name for result in counts["failed"])
        lines.append(f"failed: {names}\nagain: make faults SEED={seed} ONLY={names}   logs: .local-reports/faults/log")
    return "\n".join(lines)
