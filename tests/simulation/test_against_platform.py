"""The simulated HPA against the real one: one recorded run on the embedded platform, the same requests simulated.

`data/hpa_run.json` was written from a run of tests/e2e/test_scaling.py by `python -m tests.simulation.record`:
its requests, and how many replicas kube-controller-manager wanted when. Engines were simulated in both, by two programs
(local/engine, token by token over HTTP; simulation, compiled); controller, Prometheus and adapter were real.

Tolerance: wanted replicas within 1 of the recorded ones at every sync, a sync being allowed to come up to two syncs
earlier or later (scrapes and syncs of the recorded run began at moments of their own); and the three moments that
matter (all replicas wanted, the first one given back, one left) within two syncs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.model import ColdStartTerm
from planning.nodes.instances import instance_type
from simulation.engine_limits import PICOSECONDS, engine_model
from simulation.hpa import HpaMetric, HpaSpec, Policy, Rules
from simulation.scalers import HpaScaler, milli
from simulation.signals import per_pod
from simulation.supply import ColdStart, Supply
from simulation.traces import Requests
from simulation.world import Setting, World

FILE = Path(__file__).parent / "data" / "hpa_run.json"
SYNCS_OF_SHIFT = 2
Curve = Sequence[tuple[float, int]]


@dataclass(frozen=True)
class Run:
    """A recorded run, its curve and what made it."""

    conditions: dict[str, Any]
    trace: Requests
    wanted: Curve

    @property
    def sync_seconds(self) -> float:
        return float(self.conditions["sync_seconds"])


@pytest.fixture(scope="module")
def run() -> Run:
    document = json.loads(FILE.read_text())
    columns = np.array(document["requests"], dtype=float).T
    arrivals_ps = np.round(columns[0] * PICOSECONDS).astype(np.int64)
    trace = Requests(arrivals_ps, columns[1].astype(np.int64), columns[2].astype(np.int64))
    return Run(document["conditions"], trace, [(at, int(count)) for at, count in document["wanted"]])


def simulated(run: Run, **changed: Any) -> Curve:
    """The simulator's curve under the recorded conditions, or under others."""
    what = {**run.conditions, **changed}
    gpu = instance_type(what["instance_type"]).gpu
    assert gpu is not None
    engine = EngineConfig(max_model_len=what["max_model_len"], max_num_seqs=what["max_num_seqs"])
    term = ColdStartTerm("configured cold start", what["cold_start_seconds"], what["cold_start_seconds"], "")
    most = what["max_replicas"]
    supply = Supply(ColdStart((), (), (term,)), min_nodes=most, pre_stop_seconds=what["pre_stop_seconds"])
    metrics = (HpaMetric("inFlight", "pods", milli(what["in_flight_target"])),)
    up, down = (
        Rules(what[f"{way}_window_seconds"], (Policy("Pods", what["pods"], what["period_seconds"]),))
        for way in ("up", "down")
    )
    spec = HpaSpec(1, most, metrics, up=up, down=down)
    queries = {"inFlight": per_pod(lambda sample: sample.in_flight)}
    scaler = HpaScaler("recorded", spec, queries, 1, sync_seconds=run.sync_seconds)
    setting = Setting(
        engine_model(architecture(what["model"]), engine, gpu), supply, scrape_seconds=what["scrape_seconds"]
    )
    # One request long after the others, so that the simulation goes on until all replicas but one are given back.
    end = Requests(np.array([round(what["end_seconds"] * PICOSECONDS)]), np.array([16]), np.array([1]))
    return World(setting, scaler).run([run.trace, end]).replica_curve


def at(curve: Curve, seconds: float) -> int:
    """The replicas at a moment."""
    return [count for since, count in curve if since <= max(seconds, curve[0][0])][-1]


def turns(curve: Curve, most: int) -> tuple[float, float, float]:
    """When the most were wanted first, when one of them was given back, when one was left for good."""
    up = next(since for since, count in curve if count == most)
    down = next(since for since, count in curve if since > up and count < most)
    one = next(since for since, count in curve if since > up and count == 1)
    return up, down, one


def differences(run: Run, curve: Curve) -> list[str]:
    """Every sync and turn at which a simulated curve is out of tolerance."""
    sync, most = run.sync_seconds, run.conditions["max_replicas"]
    counts = []
    for moment in np.arange(0.0, run.conditions["end_seconds"], sync):
        near = [at(curve, moment + shift * sync) for shift in range(-SYNCS_OF_SHIFT, SYNCS_OF_SHIFT + 1)]
        if min(abs(count - at(run.wanted, moment)) for count in near) > 1:
            counts.append(f"{moment:.0f} s: {at(run.wanted, moment)} recorded, {at(curve, moment)} simulated")
    try:
        pairs = zip(turns(run.wanted, most), turns(curve, most), strict=True)
    except StopIteration:
        return [*counts, f"never at {most}, or never back at 1"]
    turn_seconds = SYNCS_OF_SHIFT * sync
    return counts + [f"turn at {a:.0f} s, simulated at {b:.0f} s" for a, b in pairs if abs(a - b) > turn_seconds]


def test_the_recorded_run_went_all_the_way(run: Run) -> None:
    counts = [count for _, count in run.wanted]
    assert (counts[0], max(counts), counts[-1]) == (1, run.conditions["max_replicas"], 1)
    assert run.trace.arrivals_ps.size > 100


def test_the_simulated_hpa_wants_what_the_real_one_wanted(run: Run) -> None:
    curve = simulated(run)
    assert differences(run, curve) == [], curve


@pytest.mark.parametrize(
    "wrong",
    [
        {"down_window_seconds": 90},
        {"in_flight_target": 30},
        {"up_window_seconds": 40},
        {"pods": 1, "period_seconds": 60},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_another_hpa_is_told_apart(run: Run, wrong: dict[str, float]) -> None:
    """The tolerance is narrow enough to see each of these mistakes."""
    assert differences(run, simulated(run, **wrong)) != []
