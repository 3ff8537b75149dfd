"""KEDA, live and simulated: a run on the platform that `python -m tests.simulation.live keda` recorded.

KEDA's operator and metrics server, its HPA, kube-controller-manager and Prometheus were real, engines simulated. What
is simulated here is the scaler of the plan of the same stack as it is made today, which has to be the recorded one.
Tolerance: wanted replicas within 1 at every sync, a sync being up to two earlier or later, and the turns (all wanted,
the first given back, one left) within two syncs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.model import AutoscalingPlan, ColdStartTerm
from planning.nodes.instances import instance_type
from simulation.engine_limits import PICOSECONDS, engine_model
from simulation.own_scaling import own_scaler
from simulation.scalers import KedaScaler
from simulation.supply import ColdStart, Supply
from simulation.traces import Requests
from simulation.world import Setting, World
from tests.e2e.loading import changed_stack
from tests.simulation.live import RECORDINGS, served
from tests.simulation.test_against_platform import Curve, Run, differences

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> Run:
    content = json.loads((DATA / f"{name}_run.json").read_text(encoding="utf-8"))
    columns = np.array([row[:3] for row in content["requests"]], dtype=float).T
    trace = Requests(np.round(columns[0] * PICOSECONDS).astype(np.int64), *columns[1:].astype(np.int64))
    return Run(content["conditions"], trace, [(since, int(count)) for since, count in content["wanted"]])


@pytest.fixture(scope="module")
def run() -> Run:
    return recorded("keda")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> AutoscalingPlan:
    return served(changed_stack(tmp_path_factory.mktemp("keda"), RECORDINGS["keda"].change)).autoscaling


def simulated(run: Run, plan: AutoscalingPlan) -> Curve:
    what = run.conditions
    gpu = instance_type(what["instance_type"]).gpu
    assert gpu is not None
    engine = EngineConfig(max_model_len=what["max_model_len"], max_num_seqs=what["max_num_seqs"])
    term = ColdStartTerm("configured cold start", what["cold_start_seconds"], what["cold_start_seconds"], "")
    supply = Supply(
        ColdStart((), (), (term,)), min_nodes=what["max_replicas"], pre_stop_seconds=what["pre_stop_seconds"]
    )
    scaler = own_scaler(plan, 1)
    assert isinstance(scaler, KedaScaler)
    scaler.sync_seconds = what["sync_seconds"]
    setting = Setting(
        engine_model(architecture(what["model"]), engine, gpu), supply, scrape_seconds=what["scrape_seconds"]
    )
    end = Requests(np.array([round(what["end_seconds"] * PICOSECONDS)]), np.array([16]), np.array([1]))
    return World(setting, scaler).run([run.trace, end]).replica_curve


def test_the_run_with_keda_went_all_the_way(run: Run) -> None:
    counts = [count for _, count in run.wanted]
    assert (counts[0], max(counts), counts[-1]) == (1, run.conditions["max_replicas"], 1)
    assert run.trace.arrivals_ps.size > 100


def test_what_keda_was_given_then_is_what_the_plan_says_today(run: Run, plan: AutoscalingPlan) -> None:
    what = run.conditions
    assert (str(plan.kind), plan.min_replicas, plan.max_replicas) == ("keda", 1, what["max_replicas"])
    assert [{"kind": each.kind, "target": each.target} for each in plan.metrics] == what["metrics"]
    assert (asdict(plan.scale_up), asdict(plan.scale_down)) == (what["up"], what["down"])
    assert plan.polling_seconds == what["polling_seconds"]


def test_the_simulated_keda_wants_what_the_real_one_wanted(run: Run, plan: AutoscalingPlan) -> None:
    curve = simulated(run, plan)
    assert differences(run, curve) == [], (curve, run.wanted)


WRONG: dict[str, Callable[[AutoscalingPlan], AutoscalingPlan]] = {
    "another target": lambda plan: replace(plan, metrics=(replace(plan.metrics[0], target=30.0),)),
    "a longer window": lambda plan: replace(plan, scale_down=replace(plan.scale_down, window_seconds=90)),
    "slow steps": lambda plan: replace(plan, scale_up=replace(plan.scale_up, pods=1, period_seconds=60)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_another_scaled_object_is_told_apart(run: Run, plan: AutoscalingPlan, wrong: str) -> None:
    assert differences(run, simulated(run, WRONG[wrong](plan))) != []
