"""The scaling picture: a fluid follows the policy, and agrees with the simulator that draws every request."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.scaling.day import STEPS, ServedTraffic, Week, week
from planning.scaling.policy import decide
from planning.scaling.replica import Load, replica_capacity, throughput
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import replica_rates
from planning.throughput.slo_load import Promise, Variation
from settings.demand import DeclaredTraffic as Declared
from simulation.engine_limits import engine_model
from simulation.outcome import SimulatedSlo
from simulation.policies import from_decision
from simulation.profiles import Lengths, generate, profile
from simulation.supply import Supply, fixed_cold_start
from simulation.world import Setting, World
from tests.planning.stacks import QWEN

ENGINE = EngineConfig(8192, max_num_seqs=64)
MODEL, CARD = architecture(QWEN), gpu("l40s")
COLD_SECONDS = 300.0


def served(fewest: int = 1, most: int = 10, cold: float = COLD_SECONDS) -> ServedTraffic:
    rates = replica_rates(MODEL, ENGINE, CARD, Traffic(1155, 211))
    what = replica_capacity(rates, 2.0, 0.1)
    return ServedTraffic(rates, Promise(), decide(what, cold, fewest, most), cold)


def picture(rate: float, shape: str = "diurnal", **bounds: float) -> Week:
    traffic = Declared.model_validate({"requestsPerSecond": rate, "shape": shape})
    return week(traffic, served(**bounds))  # type: ignore[arg-type]


def test_a_day_has_a_minute_for_every_minute_and_its_requests() -> None:
    day = picture(4.0).weekday
    assert len(day.requests_per_second) == len(day.ready_replicas) == STEPS == 1440
    assert day.requests == pytest.approx(60 * sum(day.requests_per_second))
    assert max(day.requests_per_second) == pytest.approx(4.0, rel=1e-3)


def test_replicas_stay_within_their_bounds_and_follow_the_day() -> None:
    day = picture(25.0, fewest=2, most=5).weekday
    assert min(day.ready_replicas) == 2
    assert max(day.ready_replicas) == 5
    assert day.ready_replicas[15 * 60] > day.ready_replicas[5 * 60]


def test_a_weekend_needs_no_more_than_a_weekday_and_a_steady_load_has_none() -> None:
    drawn = picture(12.0)
    assert drawn.weekend.replica_hours < drawn.weekday.replica_hours
    assert drawn.replica_hours_per_week == 5 * drawn.weekday.replica_hours + 2 * drawn.weekend.replica_hours
    steady = picture(12.0, "steady")
    assert steady.weekend is steady.weekday
    assert len(set(steady.weekday.ready_replicas)) == 1


def test_too_few_replicas_lose_the_slo_and_what_was_wanted_is_said() -> None:
    enough, short = picture(20.0, most=30), picture(20.0, most=2)
    assert enough.slo_share > 0.98
    assert short.slo_share < 0.8
    assert short.weekday.wanted_replicas == enough.weekday.wanted_replicas > 2


def test_a_steady_load_runs_what_the_plan_says_it_needs() -> None:
    setting = served(most=30)
    plan = throughput(setting.rates, setting.promise, Load(9.0, COLD_SECONDS, 1, 30))
    assert set(picture(9.0, "steady", most=30).weekday.ready_replicas) == {plan.replicas_needed}


def test_bursts_cost_more_than_a_steady_load_of_the_same_mean() -> None:
    assert picture(9.0, "burst", most=30).weekday.replica_hours > picture(9.0, "steady", most=30).weekday.replica_hours


def test_the_same_input_gives_the_same_picture() -> None:
    assert picture(7.0) == picture(7.0)


def _spread(variation: float) -> float:
    """A lognormal's mean ÷ median, of its standard deviation ÷ mean."""
    return sqrt(1 + variation**2)


def test_the_fluid_agrees_with_the_simulator_that_draws_every_request() -> None:
    """An hour of a steady load, so that it is a second of work: replicas and SLO, not only one of them."""
    setting = served(most=8)
    decision = replace(setting.decision, min_replicas=3, max_replicas=3)
    rate = 3 * throughput(setting.rates, setting.promise).slo_requests_per_second
    fluid = week(
        Declared.model_validate({"requestsPerSecond": rate, "shape": "steady"}), replace(setting, decision=decision)
    )
    supply = Supply(fixed_cold_start(COLD_SECONDS, 1.0), pods_per_node=1, gpus_per_node=1, usd_per_node_hour=None)
    engine = engine_model(MODEL, ENGINE, CARD)
    lengths = Lengths(input_spread=_spread(Variation().input_tokens), output_spread=_spread(Variation().output_tokens))
    drawn = World(Setting(engine, supply, SimulatedSlo()), from_decision("ours", decision, 3)).run(
        generate(profile(f"poisson:{rate}", 1800), lengths, 1)
    )
    assert drawn.mean_replicas == pytest.approx(fluid.weekday.replica_hours / 24, rel=0.01)
    assert drawn.slo_attainment == pytest.approx(fluid.slo_share, abs=0.03)
