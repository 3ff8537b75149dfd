"""The engine model with the step costs of a real engine: what real_engine.py wrote, as costs and as truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.load.arrivals import Arrival
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Fleet
from tests.simulation.engines import engine

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Requests in the order of their arrivals: seconds after the first one, tokens; and the steps of the engine.

    `steps`: seconds, tokens, sequences, cached tokens of those that decode, pairs of query and key; a row per step.
    """

    sent: Floats
    inputs: NDArray[np.int64]
    outputs: NDArray[np.int64]
    first: Floats
    done: Floats
    steps: Floats

    @property
    def first_seconds(self) -> Floats:
        return self.first - self.sent

    @property
    def done_seconds(self) -> Floats:
        return self.done - self.sent


def run_of(arrivals: list[Arrival], answer: dict[str, Any] | None = None) -> Run:
    """What real_engine.py answered; without an answer the arrivals alone."""
    table = np.array([(a.seconds, a.input_tokens, a.output_tokens) for a in arrivals])
    zeros = np.zeros(len(arrivals))
    first, done, steps = (np.array(answer[key]) if answer else zeros for key in ("first", "done", "steps"))
    return Run(table[:, 0], table[:, 1].astype(np.int64), table[:, 2].astype(np.int64), first, done, steps)


@dataclass(frozen=True)
class MeasuredEngine(EngineModel):
    """Costs of a step as they were measured; `linear_seconds` by its number of tokens."""

    linear_seconds: tuple[float, ...] = ()

    @property
    def linear_ps(self) -> NDArray[np.int64]:
        return np.round(np.array(self.linear_seconds) * PICOSECONDS).astype(np.int64)


KNOTS = (0, 1, 4, 16, 64, 256)
"""Tokens of a step between which its work grows in a straight line: few rows use a CPU otherwise than many."""


def measured(run: Run, limits: dict[str, int]) -> MeasuredEngine:
    """The engine whose costs explain these steps best; none of them is negative."""
    tokens, most = run.steps[:, 1], limits["max_num_batched_tokens"]
    knots = np.array([knot for knot in KNOTS if knot < most] + [most], dtype=np.float64)
    # Slope by slope: each column is how many of the tokens lie between two knots.
    spans = np.clip(tokens[:, None] - knots[None, :-1], 0, np.diff(knots))
    columns = np.column_stack([np.ones(len(tokens)), spans, run.steps[:, 2:]])
    weights = _not_negative(columns, run.steps[:, 0])
    # Again by share of what a step is thought to take, so that many short steps and few long ones count alike; by what
    # it took the unlucky ones would count less, and the sum would come out too small.
    likely = (columns @ np.array(weights))[:, None]
    weights = _not_negative(columns / likely, run.steps[:, 0] / likely[:, 0])
    host, slopes, (sequence, cached, pair) = weights[0], weights[1:-3], weights[-3:]
    every = np.arange(most + 1)
    linear = host + np.clip(every[:, None] - knots[None, :-1], 0, np.diff(knots)) @ np.array(slopes)
    usual = engine("l4")
    return MeasuredEngine(
        costs=replace(usual.costs, sequence_seconds=sequence, cached_token_seconds=cached, attention_pair_seconds=pair),
        kv_blocks=100_000,
        max_num_seqs=limits["max_num_seqs"],
        max_num_batched_tokens=most,
        max_model_len=limits["max_model_len"],
        frontend_seconds=0.0,
        linear_seconds=tuple(linear),
    )


def slowed(model: MeasuredEngine, times: float) -> MeasuredEngine:
    """The same engine, whose steps take so many times as long."""
    costs = replace(
        model.costs,
        sequence_seconds=times * model.costs.sequence_seconds,
        cached_token_seconds=times * model.costs.cached_token_seconds,
        attention_pair_seconds=times * model.costs.attention_pair_seconds,
    )
    return replace(model, costs=costs, linear_seconds=tuple(times * seconds for seconds in model.linear_seconds))


def _not_negative(columns: Floats, values: Floats) -> list[float]:
    """Least squares whose weights are none below zero: what would be negative is left out, the worst first."""
    kept = list(range(columns.shape[1]))
    while True:
        weights, *_ = np.linalg.lstsq(columns[:, kept], values, rcond=None)
        if weights.min() >= 0:
            return [float(weights[kept.index(n)]) if n in kept else 0.0 for n in range(columns.shape[1])]
        # By what they stand for in a step, since their units differ.
        kept.pop(int(np.argmin(weights * columns[:, kept].mean(axis=0))))


def simulated(model: EngineModel, run: Run) -> Run:
    """The same arrivals at the model."""
    at = np.round(run.sent * PICOSECONDS).astype(np.int64)
    fleet = Fleet(model)
    place = fleet.start(0)
    fleet.send(at, run.inputs, run.outputs, np.zeros(at.size), (0, at.size), np.array([place]))
    ended = fleet.run_until(10**18)
    order = np.argsort(ended.arrival, kind="stable")
    first, done = (times[order] / PICOSECONDS for times in (ended.first_token, ended.done))
    return replace(run, first=first, done=done)


def differences(ours: Run, theirs: Run) -> dict[str, float]:
    """How far one run is from another of the same arrivals, as shares of the other: TTFT, ends, and both curves."""
    shares: dict[str, float] = {}
    for name in ("first", "done"):
        mine, true = (getattr(run, f"{name}_seconds") for run in (ours, theirs))
        for share in (0.5, 0.75, 0.9):
            shares[f"{name} {share:.0%}"] = float(np.quantile(mine, share) / np.quantile(true, share) - 1)
    moments = np.linspace(0, float(theirs.done.max()), 400)
    for name, column in (("waiting", "first"), ("in flight", "done")):
        mine, true = (_curve(run.sent, getattr(run, column), moments) for run in (ours, theirs))
        shares[name] = float(np.abs(mine - true).mean() / max(1.0, float(true.mean())))
    return shares


def _curve(begins: Floats, ends: Floats, moments: Floats) -> Floats:
    """How many have begun and not ended at each moment."""
    return np.array([((begins <= at) & (ends > at)).sum() for at in moments], dtype=np.float64)
