"""The compiled engine against the plain one, and against what queueing theory and the roofline demand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.engine_reference import ReferenceReplica, ReferenceRequest
from simulation import kernel as k
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Finished, Fleet
from simulation.traces import Requests
from tests.simulation.engines import engine, requests

FAR = 10**17

CASES = {
    "one at a time": (engine("l4"), requests(60, 0.02, 1, 200, 100)),
    "a busy replica": (engine("l4"), requests(400, 0.6, 1, 500, 200)),
    "more than it can": (engine("l4"), requests(300, 3, 2, 800, 300)),
    "a small batch": (engine("l4", max_num_seqs=5), requests(200, 3, 2, 800, 300)),
    "hardly any cache": (engine("l4", kv_blocks=512), requests(150, 3, 2, 800, 300)),
    "chunks and preemption": (
        engine("l4", kv_blocks=300, max_num_batched_tokens=256),
        requests(150, 20, 3, 300, 300, 2000),
    ),
    "chunks, the first of which is enough": (
        engine("l4", kv_blocks=300, max_num_batched_tokens=256, admits_whole_prompts=False),
        requests(150, 20, 3, 300, 300, 2000),
    ),
    "answers of one token": (engine("l4"), requests(500, 20, 3, 30, 1)),
}


def run(model: EngineModel, load: Requests, until: int = FAR) -> tuple[Finished, np.ndarray]:
    fleet = Fleet(model)
    place = fleet.start(0)
    count = load.inputs.size
    fleet.send(load.arrivals_ps, load.inputs, load.outputs, np.zeros(count), (0, count), np.array([place]))
    return fleet.run_until(until), fleet.replicas[place]


@pytest.mark.parametrize("name", CASES)
def test_many_steps_at_once_equal_one_after_the_other_to_the_picosecond(name: str) -> None:
    model, load = CASES[name]
    fast, row = run(model, load)
    slow = ReferenceReplica(model)
    columns = zip(load.arrivals_ps.tolist(), load.inputs.tolist(), load.outputs.tolist(), strict=True)
    slow.waiting.extend(ReferenceRequest(number, *column) for number, column in enumerate(columns))
    slow.run_until(FAR)
    assert sorted(zip(fast.arrival.tolist(), fast.first_token.tolist(), fast.done.tolist(), strict=True)) == sorted(
        (each.arrival, each.first_token, each.done) for each in slow.finished
    )
    counted = (row[k.STEPS], row[k.OUTPUT_STEPS], row[k.PREEMPTED])
    assert counted == (slow.steps, slow.output_steps, slow.preempted)


def test_the_cases_cover_preemption_and_chunks() -> None:
    preempted = {name: int(run(*CASES[name])[1][k.PREEMPTED]) for name in CASES}
    assert preempted["chunks and preemption"] > 0
    assert preempted["hardly any cache"] > 0
    assert preempted["one at a time"] == 0
    silent = run(*CASES["chunks and preemption"])[1]
    assert silent[k.OUTPUT_STEPS] < silent[k.STEPS], "a chunk of a lone prompt puts nothing out"


@pytest.mark.parametrize("name", CASES)
def test_every_request_ends_once_and_every_block_comes_back(name: str) -> None:
    model, load = CASES[name]
    fast, row = run(model, load)
    assert fast.arrival.size == load.inputs.size
    assert int(fast.outputs.sum()) == int(load.outputs.sum()) == int(row[k.OUTPUT_TOKENS])
    assert int(row[k.FREE]) == model.kv_blocks
    assert int(row[k.CACHED]) == 0
    assert bool((fast.first_token > fast.arrival).all())
    assert bool((fast.done >= fast.first_token).all())


def test_a_prompt_waits_until_all_of_it_fits_the_cache() -> None:
    """vLLM 0.19's `scheduler_reserve_full_isl`: 100 blocks are free of 200, the next prompt needs 120, 16 at a time."""
    model = engine("l4", kv_blocks=200, max_num_batched_tokens=256)
    load = Requests(np.array([0, 1]), np.array([1600, 1920]), np.array([200, 1]))
    ended = {}
    for whole in (True, False):
        fast, row = run(replace(model, admits_whole_prompts=whole), load)
        ended[whole] = int(fast.done[fast.arrival == 0][0])
        assert bool(row[k.PREEMPTED] > 0) is not whole, "its first chunks fit, the last do not"
    alone, _ = run(model, Requests(np.array([0]), np.array([1600]), np.array([200])))
    assert ended[True] == int(alone.done[0]), "the one that runs is not held up by one that cannot end"
    assert ended[False] > ended[True]


def test_stopping_at_any_moment_and_going_on_changes_nothing() -> None:
    model, load = CASES["hardly any cache"]
    fleet = Fleet(model)
    place = fleet.start(0)
    count = load.inputs.size
    fleet.send(load.arrivals_ps, load.inputs, load.outputs, np.zeros(count), (0, count), np.array([place]))
    ended = [fleet.run_until(second * PICOSECONDS // 3) for second in range(0, 9000, 7)]
    pieces = sorted(done for each in ended for done in each.done.tolist())
    assert pieces == sorted(run(model, load)[0].done.tolist())


def test_littles_law_holds_between_two_empty_moments() -> None:
    model, load = CASES["a busy replica"]
    fleet = Fleet(model)
    place = fleet.start(0)
    count = load.inputs.size
    # Only what has arrived may be queued, or the queue would count the future.
    order, step, seen, ended = 0, PICOSECONDS // 20, 0, []
    moment = 0
    while order < count or fleet.in_flight(place):
        upto = int(np.searchsorted(load.arrivals_ps, moment + step))
        if upto > order:
            span = (order, upto)
            fleet.send(load.arrivals_ps, load.inputs, load.outputs, np.zeros(count), span, np.array([place]))
        order, moment = upto, moment + step
        ended.append(fleet.run_until(moment))
        seen += fleet.in_flight(place)
    sojourn = sum(int((each.done - each.arrival).sum()) for each in ended) / PICOSECONDS
    mean_in_system, rate, mean_time = seen * step / moment, count / (moment / PICOSECONDS), sojourn / count
    assert mean_in_system == pytest.approx(rate * mean_time, rel=0.01)


def test_a_request_alone_decodes_at_the_roofline() -> None:
    model = engine("l4")
    load = Requests(np.array([0]), np.array([512]), np.array([1001]))
    fast, _ = run(model, load)
    seconds = int(fast.done[0] - fast.first_token[0]) / PICOSECONDS
    weights = model.costs.weights_seconds
    assert 1000 * weights < seconds < 1000 * weights * 1.08
    mean_step = model.costs.step_seconds(1, 1, 512 + 500.5)
    assert seconds == pytest.approx(1000 * mean_step, rel=1e-6)
