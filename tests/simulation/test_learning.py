"""What the rules learn of an engine, held against the kernel: the plan's sum of step times, and its demand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.foresight.misjudged import Misjudged, changed
from planning.model.learning import StepTimes
from planning.scaling.policy import Tuning, capacity, decide, tuning_for
from planning.throughput.roofline import Traffic
from planning.throughput.slo_load import Replica, Variation
from planning.throughput.step_times import step_times
from simulation import kernel as k
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Fleet
from simulation.hpa import Reading
from simulation.metrics import Metrics, PodSample
from simulation.outcome import SimulatedSlo
from simulation.scalers import Scene
from simulation.signals import DemandRule
from simulation.supply import Pod, State
from simulation.traces import Requests
from tests.simulation.engines import engine

TRAFFIC, VARIATION = Traffic(1155.0, 211.0), Variation()
WHAT = capacity(engine("l40s").costs, 64, TRAFFIC, SimulatedSlo().ttft_seconds, SimulatedSlo().tpot_seconds)


def drawn(rate: float, count: int = 2500, seed: int = 4) -> Requests:
    """Poisson arrivals with the lengths that the plan takes for granted."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, count))

    def lengths(mean: float, variation: float) -> np.ndarray:
        sigma = np.sqrt(np.log(1 + variation**2))
        return np.maximum(1, np.exp(rng.standard_normal(count) * sigma - sigma**2 / 2) * mean).astype(np.int64)

    inputs = np.minimum(lengths(TRAFFIC.input_tokens, VARIATION.input_tokens), 6000)
    outputs = np.minimum(lengths(TRAFFIC.output_tokens, VARIATION.output_tokens), 2000)
    return Requests(np.round(times * PICOSECONDS).astype(np.int64), inputs, outputs)


def row_after(model: EngineModel, load: Requests) -> np.ndarray:
    fleet = Fleet(model)
    place, count = fleet.start(0), load.inputs.size
    fleet.send(load.arrivals_ps, load.inputs, load.outputs, np.zeros(count), (0, count), np.array([place]))
    fleet.run_until(10**17)
    return fleet.replicas[place]


def planned_of(model: EngineModel) -> StepTimes:
    at_once = model.most_concurrent(TRAFFIC)
    return step_times(Replica(model.costs, at_once, model.max_num_batched_tokens, TRAFFIC, VARIATION))


@pytest.mark.parametrize(
    ("card", "rate"),
    [("l4", 0.1), ("l4", 0.35), ("a10g", 0.3), ("l40s", 0.5), ("l40s", 2.5), ("h100", 2.0), ("h100", 9)],
)
def test_the_plans_sum_is_the_time_that_the_kernels_steps_took_idle_or_busy(card: str, rate: float) -> None:
    model = engine(card)
    row = row_after(model, drawn(rate))
    planned = planned_of(model).work(row[k.OUTPUT_STEPS], row[k.PROMPT_TOKENS], row[k.OUTPUT_TOKENS])
    assert row[k.BUSY] / PICOSECONDS / planned == pytest.approx(1, abs=0.05), "within the tolerance of what is learned"


def test_steps_that_take_longer_are_told_by_their_factor() -> None:
    model = engine("l40s")
    slower = changed(model, Misjudged("all", 1.3))
    row = row_after(slower, drawn(1.5))
    planned = planned_of(model).work(row[k.OUTPUT_STEPS], row[k.PROMPT_TOKENS], row[k.OUTPUT_TOKENS])
    assert row[k.BUSY] / PICOSECONDS / planned == pytest.approx(1.3, rel=0.04)


def wanted(step_seconds: float, seconds: int, tuning: Tuning, at_work: int = 8) -> Reading:
    """An engine of so many requests at once, one token a step for each, for so long; prompts of 1,155 tokens."""
    rule, metrics = DemandRule(decide(WHAT, 240, 1, 99, tuning).demand), Metrics()
    reading = Reading()
    pods = [Pod("pod-0", 0.0, State.READY, ready_seconds=0.0, bound_seconds=0.0)]
    for now in range(15, seconds + 1, 15):
        steps = round(now / step_seconds)
        answers = at_work * steps
        prompts = round(answers / TRAFFIC.output_tokens * TRAFFIC.input_tokens)
        metrics.scrape(now, {"pod-0": PodSample(at_work, 0, 0.1, prompts, answers, float(now), steps)})
        reading = rule(Scene(now, 1, pods, metrics))
    return reading


def planned_step(at_work: int = 8) -> float:
    """What a step of so many answers takes by the plan, the prompts that keep them coming included."""
    times = planned_of(engine("l40s"))
    prompts = at_work / TRAFFIC.output_tokens * TRAFFIC.input_tokens
    return times.work(1.0, prompts, at_work)


LEARNS, PLAN = tuning_for(), replace(tuning_for(), learns=False)


def test_an_engine_as_planned_is_asked_for_what_the_plan_says() -> None:
    assert wanted(planned_step(), 5400, LEARNS) == wanted(planned_step(), 5400, PLAN)


@pytest.mark.parametrize(
    ("slower", "more"), [(1.3, (1.2, 1.8)), (0.75, (0.65, 0.9)), (9.0, (1.7, 2.05)), (0.1, (0.45, 0.6))]
)
def test_a_slower_engine_is_asked_for_more_and_a_quicker_one_for_less_within_the_bounds(
    slower: float, more: tuple[float, float]
) -> None:
    learned, plan = (wanted(slower * planned_step(), 5400, tuning).value for tuning in (LEARNS, PLAN))
    assert learned is not None
    assert plan is not None
    assert more[0] <= learned / plan <= more[1]


def test_before_an_hour_of_work_the_plans_word_stands() -> None:
    step = 1.5 * planned_step()
    assert wanted(step, 3585, LEARNS) == wanted(step, 3585, PLAN)
    assert (wanted(step, 3615, LEARNS).value or 0) > (wanted(step, 3615, PLAN).value or 0)


def test_a_large_pool_that_has_the_hour_in_a_minute_is_watched_for_half_an_hour_all_the_same() -> None:
    learns = decide(WHAT, 240, 1, 99).demand.learning
    assert learns is not None
    assert [learns.is_enough(samples, 50.0 * samples, 15) for samples in (4, 119, 120)] == [False, False, True]
    assert [learns.is_enough(samples, 0.5 * samples, 15) for samples in (120, 479, 480)] == [False, False, True]


def test_an_engine_that_never_works_is_never_learned_of() -> None:
    assert wanted(planned_step(), 7200, LEARNS, at_work=0) == wanted(planned_step(), 7200, PLAN, at_work=0)
