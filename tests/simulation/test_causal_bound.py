"""The bound is one: no plan that does not see bursts coming holds as much for less, and what it is given lowers it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from planning.model.demand import Capacity
from simulation.causal_bound import Chance, bound_gpu_hours, chance
from simulation.compare import Bounds, case
from simulation.lifelike import Lifelike, lifelike
from simulation.scalers import Fixed
from simulation.world import Setting, World
from tests.simulation.engines import setting

STEADY = Lifelike(6.0, 0.1, daily=False, level_deviation=0.0, length_deviation=0.0, bursts_per_day=80.0)


@dataclass(frozen=True)
class Trace:
    """A workload's seed."""

    setting: Setting
    what: Lifelike
    seed: int


@cache
def capacity_of(trace: Trace) -> Capacity:
    return case(trace.setting, lambda: lifelike(trace.what, trace.seed), Bounds(), with_oracle=False).given.capacity


@pytest.fixture(scope="module")
def looked() -> tuple[Trace, Chance]:
    trace = Trace(setting(), STEADY, 5)
    return trace, chance(trace.setting, STEADY, capacity_of(trace), 5, loads=10, windows=40)


def bound(trace: Trace, chance_found: Chance, share: float) -> float:
    return bound_gpu_hours(trace, capacity_of(trace), chance_found, share, 30)


def test_no_fixed_number_holds_more_on_average_than_the_bound_says_it_can(looked: tuple[Trace, Chance]) -> None:
    """At a level that never moves a fixed number is what a policy without foresight can do but for the bursts' ends."""
    trace, chance_found = looked
    for replicas in (3, 5, 8):
        runs = [
            World(replace(trace.setting, seed=seed), Fixed("fixed", replicas)).run(lifelike(STEADY, seed))
            for seed in range(20, 28)
        ]
        share = sum(run.slo_attainment * run.requests for run in runs) / sum(run.requests for run in runs)
        hours = sum(run.gpu_hours for run in runs) / len(runs)
        assert bound(trace, chance_found, share) <= hours * 1.02, (replicas, share)


def test_more_to_hold_costs_more(looked: tuple[Trace, Chance]) -> None:
    trace, chance_found = looked
    shares = (0.9, 0.97, 0.985, 0.995)
    bounds = [bound(trace, chance_found, share) for share in shares]
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.9 * bounds[-1]


def test_bursts_that_do_not_come_cost_nothing(looked: tuple[Trace, Chance]) -> None:
    trace, chance_found = looked
    quiet = replace(trace, what=replace(STEADY, bursts_per_day=0.0))
    assert bound(quiet, chance_found, 0.99) < 0.8 * bound(trace, chance_found, 0.99)


def test_expected_misses_grow_with_the_load_of_a_replica(looked: tuple[Trace, Chance]) -> None:
    _, chance_found = looked
    rates = np.array([6.0])
    by_count = [float(chance_found.misses_per_second(rates, np.array([float(n)]), 1e-4)[0]) for n in range(1, 12)]
    assert by_count == sorted(by_count, reverse=True)
    assert by_count[0] > 100 * by_count[-1]
