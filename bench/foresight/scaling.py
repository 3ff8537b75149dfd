"""Autoscaling policies on the workloads of workloads.csv, beside an oracle: `python -m bench.foresight scaling`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from simulation.compare import Bounds, case, run
from simulation.engine_limits import engine_model
from simulation.lifelike import Lifelike, lifelike
from simulation.outcome import Slo
from simulation.supply import Supply, fixed_cold_start
from simulation.traces import Requests
from simulation.world import Setting

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
POLICIES = ("default", "fixed-maximum")
TABLE = Path(__file__).parent / "workloads.csv"
# Mean lengths: Azure's two traces of 2023; the others', and all deviations, are assumed.
LENGTHS = {
    "conversation": Lifelike(1, 1, 1155, 211),
    "code": Lifelike(1, 1, 2048, 28, 1.0, 2.15),
    "long": Lifelike(1, 1, 5000, 340, 0.6, 0.9),
    "documents": Lifelike(1, 1, 3000, 400),
}
FIRST_TOKEN_SECONDS = {"long": 10.0}


@dataclass(frozen=True)
class Workload:
    """A row of the table, ready to run."""

    part: str
    name: str
    setting: Setting
    trace: Callable[[], Iterator[Requests]]


def workloads(part: str) -> list[Workload]:
    """Those of a part, in the table's order."""
    lines = (line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [_workload(row) for row in csv.DictReader(lines) if row["part"] == part]


def _workload(row: dict[str, str]) -> Workload:
    what = replace(LENGTHS[row["lengths"]], mean_rate=float(row["rate"]), days=float(row["days"]))
    if row["shape"] == "burst":
        what = replace(
            what,
            daily=False,
            minute_shape=1.2,
            bursts_per_day=24.0,
            burst_factors=(2.0, 6.0),
            burst_minutes=(1.0, 6.0),
            level_deviation=0.4,
            level_half_life=30.0,
        )
    seed, cold = int(row["seed"]), float(row["cold_start_seconds"])
    engine = engine_model(architecture(MODEL), EngineConfig(8192), gpu(row["gpu"]))
    slo = Slo(ttft_seconds=FIRST_TOKEN_SECONDS.get(row["lengths"], 2.0))
    setting = Setting(engine, Supply(fixed_cold_start(cold, cold / 8)), slo, seed=seed)
    return Workload(row["part"], row["name"], setting, lambda: lifelike(what, seed))


def main(part: str) -> None:
    """Prints a line per workload as it is done; no policy may have more replicas than the oracle has at its peak."""
    print(f"autoscaling, {part} workloads: share in SLO % / GPU-hours ÷ oracle, simulated")
    print(f"{'workload':18} {'oracle':>22} {'gap':>5} " + " ".join(f"{name:>14}" for name in POLICIES))
    for work in workloads(part):
        found = case(work.setting, work.trace, Bounds())
        assert found.oracle is not None
        best, results = found.oracle.outcome, run(found, POLICIES)
        held = f"{best.slo_attainment * 100:.2f} / {best.gpu_hours:.1f} h, {best.most_replicas}"
        gap = f"{best.gpu_hours / found.oracle.bound_gpu_hours:.2f}"
        cells = (f"{each.slo_attainment * 100:.2f} / {each.gpu_hours / best.gpu_hours:.2f}" for each in results)
        print(f"{work.name:18} {held:>22} {gap:>5} " + " ".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "scoring")
