"""The oracle's program is exact on its table, and the simulator bears it out."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from simulation.best_plan import Costs, Misses, cheapest, misses
from simulation.compare import Bounds, case, run
from simulation.lifelike import Lifelike, lifelike
from simulation.outcome import SimulatedSlo
from simulation.scalers import Fixed
from simulation.world import Setting, World
from tests.simulation.engines import engine, setting

COSTS = Costs(segment=300.0, start=240.0, stop=75.0)
QUIET = Lifelike(4.0, 0.06, daily=False, level_deviation=0.5, level_half_life=40)


def random_table(seed: int, segments: int = 5, width: int = 4) -> Misses:
    rng = np.random.default_rng(seed)
    missed = np.sort(rng.integers(0, 60, (segments, width)).astype(float), axis=1)[:, ::-1].copy()
    missed[:, 0] = np.inf
    return Misses(missed, np.full(segments, 100))


def cost_of(plan: tuple[int, ...]) -> float:
    moves = pairwise(plan)
    return sum(count * COSTS.segment for count in plan) + sum(
        COSTS.start * max(0, after - before) + COSTS.stop * max(0, before - after) for before, after in moves
    )


@pytest.mark.parametrize("seed", range(12))
def test_no_plan_of_all_that_there_are_is_cheaper_than_the_bound_and_few_than_the_one_found(seed: int) -> None:
    table, may_miss = random_table(seed), 70.0
    plan_found = cheapest(table, COSTS, may_miss)
    allowed = {
        plan: cost_of(plan)
        for plan in product(range(1, 4), repeat=5)
        if sum(table.missed[each, count] for each, count in enumerate(plan)) <= may_miss
    }
    if not allowed:
        assert plan_found.missed > may_miss, "nothing holds it, and the plan says so"
        return
    best = min(allowed.values())
    assert plan_found.bound_seconds <= best + 1e-6
    assert plan_found.seconds == pytest.approx(cost_of(plan_found.replicas))
    assert plan_found.missed <= may_miss
    assert best <= plan_found.seconds
    # At the price found the plan is the best of all: nothing that misses as little is cheaper.
    as_good = [c for plan, c in allowed.items() if _missed(table, plan) <= plan_found.missed]
    assert plan_found.seconds == pytest.approx(min(as_good))


def _missed(table: Misses, plan: tuple[int, ...]) -> float:
    return float(sum(table.missed[each, count] for each, count in enumerate(plan)))


def test_what_nobody_can_hold_is_said_with_the_fewest_misses() -> None:
    table = Misses(np.array([[np.inf, 50.0, 50.0], [np.inf, 50.0, 40.0]]), np.array([100, 100]))
    best = cheapest(table, COSTS, 10.0)
    assert best.missed == 90.0


def test_where_nobody_misses_the_fewest_replicas_are_found_and_the_search_ends() -> None:
    best = cheapest(Misses(np.array([[np.inf, 0.0, 0.0]] * 3), np.array([10, 10, 10]), 0.2), COSTS, 0.3)
    assert best.replicas == (1, 1, 1)
    assert best.seconds == pytest.approx(300 * 2.2) == best.bound_seconds


def test_more_replicas_miss_no_more_and_fewer_than_allowed_are_not_offered() -> None:
    table = misses(engine(), SimulatedSlo(), lifelike(QUIET, 3), np.full(18, 2.0), 2, 6, 0)
    assert np.isinf(table.missed[:, :2]).all()
    assert table.most <= 6
    assert (np.diff(table.missed[:, 2:], axis=1) <= 0).all()
    assert int(table.requests.sum()) == sum(chunk.inputs.size for chunk in lifelike(QUIET, 3))


def test_the_oracle_holds_the_slo_and_no_fixed_fleet_or_smaller_plan_that_does_is_cheaper() -> None:
    here = setting()
    compared = case(here, lambda: lifelike(QUIET, 3), Bounds())
    best = compared.oracle.outcome
    assert best.slo_attainment >= here.slo.share
    assert 0.98 <= best.gpu_hours / compared.oracle.bound_gpu_hours <= 1.25, "routing may be luckier than the table's"
    for replicas in range(1, max(compared.given.best.replicas) + 2):
        fixed = World(here, Fixed("fixed", replicas)).run(lifelike(QUIET, 3))
        assert fixed.slo_attainment < here.slo.share or fixed.gpu_hours >= best.gpu_hours
    for policy in run(compared, ["default", "token-rate"]):
        assert policy.slo_attainment < best.slo_attainment or policy.gpu_hours >= best.gpu_hours


def test_the_oracle_keeps_to_the_bounds_that_are_given() -> None:
    compared = case(Setting(engine(), setting().supply), lambda: lifelike(QUIET, 3), Bounds(2, 3))
    assert set(compared.given.best.replicas) <= {2, 3}
