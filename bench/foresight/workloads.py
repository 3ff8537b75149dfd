"""The workloads of workloads.csv: which part they belong to, and what is run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.foresight import oracles
from bench.foresight.recorded import HALVES, RecordedTrace, recorded
from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.scaling.policy import Tuning
from simulation.compare import Bounds, Case, case
from simulation.engine_limits import engine_model
from simulation.lifelike import Lifelike, lifelike
from simulation.outcome import SimulatedSlo
from simulation.supply import Supply, fixed_cold_start
from simulation.traces import Requests
from simulation.world import Setting

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
TABLE = Path(__file__).parent / "workloads.csv"
# Mean lengths: Azure's two traces of 2023; the others', and all deviations, are assumed.
LENGTHS = {
    "conversation": Lifelike(1, 1, 1155, 211),
    "code": Lifelike(1, 1, 2048, 28, 1.0, 2.15),
    "long": Lifelike(1, 1, 5000, 340, 0.6, 0.9),
    "documents": Lifelike(1, 1, 3000, 400),
}
FIRST_TOKEN_SECONDS = {"long": 10.0}
# How far below the oracle's share a policy may be (issue 14 C3), by shape.
GIVEN_UP = {"day": 0.005, "burst": 0.01, "recorded": 0.01}
DECLARED = {"day": "diurnal", "burst": "burst", "recorded": "burst"}


@dataclass(frozen=True)
class Trace:
    """One seed of a workload."""

    setting: Setting
    what: Lifelike | RecordedTrace
    seed: int

    def requests(self) -> Iterator[Requests]:
        """All of them."""
        if isinstance(self.what, RecordedTrace):
            return recorded(self.what, self.seed)
        return lifelike(self.what, self.seed)

    def case(self, tuning: Tuning | None = None) -> Case:
        """Its oracle and bounds; the oracle is searched once and kept."""
        path = oracles.path_of(self.setting, f"{self.what!r} {self.seed}")
        known = oracles.kept(path)
        compared = case(self.setting, self.requests, Bounds(), tuning, known=known)
        if known is None and compared.oracle is not None:
            oracles.keep(path, compared.oracle)
        return compared


@dataclass(frozen=True)
class Workload:
    """A row of the table; `given_up`: the share below the oracle's that is still the goal.

    `declared`: what a stack file would say of its shape (models[].traffic.shape).
    """

    part: str
    name: str
    given_up: float
    declared: str
    traces: tuple[Trace, ...]


def workloads(part: str, only: str = "") -> list[Workload]:
    """Those of a part whose name has these letters, in the table's order."""
    lines = (line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    rows = csv.DictReader(lines)
    return [_workload(row) for row in rows if row["part"] == part and only in row["name"]]


def _what(row: dict[str, str]) -> Lifelike | RecordedTrace:
    if row["shape"] == "recorded":
        return RecordedTrace(row["lengths"], HALVES[row["part"]], float(row["rate"]))
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
    return what


def _workload(row: dict[str, str]) -> Workload:
    what = _what(row)
    cold = float(row["cold_start_seconds"])
    engine = engine_model(architecture(MODEL), EngineConfig(8192), gpu(row["gpu"]))
    slo = SimulatedSlo(ttft_seconds=FIRST_TOKEN_SECONDS.get(row["lengths"], 2.0))
    supply = Supply(fixed_cold_start(cold, cold / 8))
    seeds = [int(seed) for seed in row["seeds"].split()]
    traces = tuple(Trace(Setting(engine, supply, slo, seed=seed), what, seed) for seed in seeds)
    return Workload(row["part"], row["name"], GIVEN_UP[row["shape"]], DECLARED[row["shape"]], traces)
