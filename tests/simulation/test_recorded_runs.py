"""KEDA, and pods that are the real vLLM, live and simulated: runs that `python -m tests.simulation.live` recorded.

`keda`: KEDA's operator and metrics server, its HPA, the controller manager and Prometheus were real, engines simulated.
`vllm`: every server was vLLM 0.32 on this machine's CPU, the HPA real; how long a step takes is measured from the run's
own requests, how long a replica takes to start is what it took. What is simulated here is the scaler of the plan of the
same stack as it is made today, which has to be the recorded one. Tolerance: wanted replicas within 1 at every sync, a
sync being up to two earlier or later, and the turns (all wanted, the first given back, one left) within two syncs.
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
from planning.throughput.roofline import StepCosts
from simulation.engine_limits import PICOSECONDS, EngineModel, engine_model
from simulation.own_scaling import own_scaler
from simulation.scalers import HpaScaler, KedaScaler
from simulation.supply import ColdStart, Supply
from simulation.traces import Requests
from simulation.world import Setting, World
from tests.e2e.loading import changed_stack
from tests.simulation.live import RECORDINGS, served
from tests.simulation.test_against_platform import Curve, Run, at, differences

DATA = Path(__file__).parent / "data"
NAMES = ("keda", "vllm")
LEAST_GAPS = 20  # of an answer whose time per token is measured


def rows_of(name: str) -> tuple[Run, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    content = json.loads((DATA / f"{name}_run.json").read_text(encoding="utf-8"))
    rows = np.array(content["requests"], dtype=float)
    lengths = rows[:, 1:3].astype(np.int64).T
    trace = Requests(np.round(rows[:, 0] * PICOSECONDS).astype(np.int64), lengths[0], lengths[1])
    return Run(content["conditions"], trace, [(since, int(count)) for since, count in content["wanted"]]), rows


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {name: rows_of(name)[0] for name in NAMES}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AutoscalingPlan]:
    folder = tmp_path_factory.mktemp("recorded")
    return {name: served(changed_stack(folder, RECORDINGS[name].change)).autoscaling for name in NAMES}


def seconds_per_sequence() -> float:
    """Of a step of the recorded vLLM: time per output token ÷ requests that ran meanwhile, by least squares."""
    _, rows = rows_of("vllm")
    arrival, outputs, first, done = rows[:, 0], rows[:, 2], rows[:, 3], rows[:, 4]
    moments = np.linspace(first, done, 9)
    running = ((arrival <= moments[..., None]) & (done > moments[..., None])).sum(axis=-1).mean(axis=0)
    long = outputs > LEAST_GAPS
    each = ((done - first) / np.maximum(outputs - 1, 1))[long]
    return float((each * running[long]).sum() / (running[long] ** 2).sum())


def engine_of(run: Run) -> EngineModel:
    what = run.conditions
    gpu = instance_type(what["instance_type"]).gpu
    assert gpu is not None
    config = EngineConfig(max_model_len=what["max_model_len"], max_num_seqs=what["max_num_seqs"])
    planned = engine_model(architecture(what["model"]), config, gpu)
    if what["engine"] == "simulated":
        return planned
    return replace(planned, costs=StepCosts(0.0, 0.0, 0.0, seconds_per_sequence(), 0.0, 0.0))


def simulated(run: Run, plan: AutoscalingPlan) -> Curve:
    what = run.conditions
    term = ColdStartTerm("of the run", what["cold_start_seconds"], what["cold_start_seconds"], "")
    most = what["max_replicas"]
    supply = Supply(ColdStart((), (), (term,)), min_nodes=most, pre_stop_seconds=what["pre_stop_seconds"])
    scaler = own_scaler(plan, 1)
    assert isinstance(scaler, HpaScaler | KedaScaler)
    scaler.sync_seconds = what["sync_seconds"]
    setting = Setting(engine_of(run), supply, scrape_seconds=what["scrape_seconds"])
    end = Requests(np.array([round(what["end_seconds"] * PICOSECONDS)]), np.array([16]), np.array([1]))
    return World(setting, scaler).run([run.trace, end]).replica_curve


@pytest.mark.parametrize("name", NAMES)
def test_the_run_went_all_the_way(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    counts = [count for _, count in run.wanted]
    assert (counts[0], max(counts), counts[-1]) == (1, run.conditions["max_replicas"], 1)
    assert run.trace.arrivals_ps.size > 100


@pytest.mark.parametrize("name", NAMES)
def test_what_the_cluster_was_given_then_is_what_the_plan_says_today(
    runs: dict[str, Run], plans: dict[str, AutoscalingPlan], name: str
) -> None:
    what, plan = runs[name].conditions, plans[name]
    assert (str(plan.kind), plan.min_replicas, plan.max_replicas) == (what["kind"], 1, what["max_replicas"])
    assert [{"kind": each.kind, "target": each.target} for each in plan.metrics] == what["metrics"]
    assert (asdict(plan.scale_up), asdict(plan.scale_down)) == (what["up"], what["down"])
    assert plan.polling_seconds == what["polling_seconds"]


@pytest.mark.parametrize("name", NAMES)
def test_the_simulated_scaler_wants_what_the_real_one_wanted(
    runs: dict[str, Run], plans: dict[str, AutoscalingPlan], name: str
) -> None:
    curve = simulated(runs[name], plans[name])
    assert differences(runs[name], curve) == [], (curve, runs[name].wanted)


WRONG: dict[str, Callable[[AutoscalingPlan], AutoscalingPlan]] = {
    "another target": lambda plan: replace(plan, metrics=(replace(plan.metrics[0], target=30.0),)),
    "a longer window": lambda plan: replace(plan, scale_down=replace(plan.scale_down, window_seconds=90)),
    "a window before going up": lambda plan: replace(plan, scale_up=replace(plan.scale_up, window_seconds=40)),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_another_scaler_is_told_apart(
    runs: dict[str, Run], plans: dict[str, AutoscalingPlan], name: str, wrong: str
) -> None:
    assert differences(runs[name], simulated(runs[name], WRONG[wrong](plans[name]))) != []


def test_the_recorded_vllm_decodes_its_requests_in_turn_on_a_cpu() -> None:
    """2.8 ms more per step and sequence, so that ten in flight get a token every 28 ms each."""
    assert 0.002 < seconds_per_sequence() < 0.004


def test_the_second_vllm_was_ready_when_the_load_had_ended(runs: dict[str, Run]) -> None:
    """On two cores a replica that loads beside one that serves takes minutes; the HPA gives it back a window later."""
    what = runs["vllm"].conditions
    assert what["cold_start_seconds"] > 100
    assert at(runs["vllm"].wanted, 190) == 2
