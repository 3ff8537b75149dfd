"""The costs of an engine, out of the steps that it took: an engine of known costs stands for the real one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.engine_costs.__main__ import CALIBRATION, LIMITS, SCORED, Measured, capacity
from bench.engine_costs.measured_steps import KNOTS, MeasuredEngine, Run, measured, run_of, simulated, slowed

HOST, TOKEN, SEQUENCE, CACHED, PAIR = 2e-3, 1e-4, 3e-4, 2e-6, 1e-7


def steps(rows: int, disturbed: float = 0.0) -> Run:
    """Steps of an engine with the costs above; `disturbed`: by how much, as a share, others' work made them longer."""
    drawn = np.random.default_rng(7)
    tokens = drawn.integers(1, LIMITS["max_num_batched_tokens"], rows)
    sequences = drawn.integers(1, LIMITS["max_num_seqs"], rows)
    cached = drawn.integers(0, 20_000, rows)
    pairs = drawn.integers(0, 100_000, rows)
    seconds = HOST + TOKEN * tokens + SEQUENCE * sequences + CACHED * cached + PAIR * pairs
    seconds = seconds * (1 + disturbed * drawn.random(rows))
    return replace(run_of(CALIBRATION.arrivals(1)), steps=np.column_stack([seconds, tokens, sequences, cached, pairs]))


@pytest.fixture(scope="module")
def engine() -> MeasuredEngine:
    return measured(steps(300), LIMITS)


def test_costs_are_those_that_the_steps_were_made_of(engine: MeasuredEngine) -> None:
    costs = engine.costs
    assert costs.sequence_seconds == pytest.approx(SEQUENCE, rel=1e-6)
    assert costs.cached_token_seconds == pytest.approx(CACHED, rel=1e-6)
    assert costs.attention_pair_seconds == pytest.approx(PAIR, rel=1e-6)
    for tokens in KNOTS[1:]:  # no step has no token
        assert engine.linear_seconds[tokens] == pytest.approx(HOST + TOKEN * tokens, rel=1e-6)


def test_no_cost_is_below_zero_when_steps_are_disturbed() -> None:
    costs = measured(steps(60, disturbed=0.8), LIMITS)
    parts = (costs.costs.sequence_seconds, costs.costs.cached_token_seconds, costs.costs.attention_pair_seconds)
    assert min(parts) >= 0
    assert np.diff(costs.linear_seconds).min() >= 0


@pytest.mark.parametrize("name", SCORED)
def test_steps_half_as_long_again_miss_the_goal_and_the_right_ones_do_not(engine: MeasuredEngine, name: str) -> None:
    truth = simulated(engine, run_of(SCORED[name].arrivals(capacity(engine, SCORED[name]))))
    right = Measured(engine, truth, truth)
    assert right.missed() == {}
    assert {"first 50%", "done 50%"} & replace(right, model=slowed(engine, 1.5)).missed().keys()


def test_what_two_real_runs_differ_by_is_not_the_models_fault(engine: MeasuredEngine) -> None:
    truth = simulated(engine, run_of(SCORED["busy"].arrivals(capacity(engine, SCORED["busy"]))))
    late = replace(truth, done=truth.sent + 1.2 * truth.done_seconds)
    assert not any(figure.startswith("done") for figure in Measured(engine, truth, late).missed())
    assert "done 50%" in Measured(engine, late, late).missed()
