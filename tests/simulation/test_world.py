"""Whole runs: conservation, repetition, cold starts, nodes, drains, and a step load that nothing saves."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from planning.model import ColdStartTerm
from simulation.compare import Bounds, case, run
from simulation.engine_limits import PICOSECONDS
from simulation.outcome import Latencies, Outcome
from simulation.policies import POLICIES
from simulation.scalers import Fixed, Scheduled
from simulation.supply import ColdStart, Supply, fixed_cold_start
from simulation.traces import Requests
from simulation.world import Setting, World
from tests.simulation.engines import generated, setting

HOUR = generated("burst:2,9,1200,240", 1, 3600)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    compared = case(setting(), HOUR, Bounds(1, 6))
    return run(compared, list(POLICIES))


def test_every_policy_accounts_for_every_request(outcomes: list[Outcome]) -> None:
    assert [each.name for each in outcomes] == list(POLICIES)
    assert len({each.requests for each in outcomes}) == 1
    for outcome in outcomes:
        assert 0 <= outcome.slo_attainment <= 1
        assert outcome.slo_attainment <= 1 - (outcome.rejected + outcome.lost) / outcome.requests + 1e-12


def test_finished_lost_and_rejected_are_all_that_arrived() -> None:
    world = World(setting(), Scheduled("saw", [0.0, 600.0, 1200.0], [4, 1, 3]))
    world.run(HOUR())
    tally = world.tally
    assert tally.arrived == tally.finished + tally.lost + tally.rejected
    assert tally.arrived > 5000
    assert all(world.fleet.in_flight(pod.place) == 0 for pod in world.pods if pod.place >= 0)


def test_a_run_repeats_to_the_last_digit_and_another_seed_does_not() -> None:
    def outcome(seed: int) -> str:
        compared = case(setting(seed=seed), generated("burst:2,6,300,60", 1, 900), Bounds(1, 6))
        return repr([asdict(each) for each in run(compared, ["hpa-queue", "default", "oracle"])])

    assert outcome(5) == outcome(5)
    assert outcome(5) != outcome(6)


def test_the_negative_control_hardly_moves_while_others_do(outcomes: list[Outcome]) -> None:
    by_name = {outcome.name: outcome for outcome in outcomes}
    assert by_name["hpa-cpu"].most_replicas <= 2
    assert by_name["default"].most_replicas > 2
    assert by_name["fixed-maximum"].slo_attainment > by_name["hpa-queue"].slo_attainment
    assert by_name["fixed-minimum"].gpu_hours == pytest.approx(1.0, rel=0.01)


def test_a_step_from_one_cold_replica_is_lost_whatever_the_policy() -> None:
    """Only who knows the future, or pays the maximum, is there in time."""

    def step() -> list[Requests]:
        quiet = Requests(np.array([0]), np.array([500]), np.array([50]))
        times = (600 * PICOSECONDS + np.arange(4800) * (PICOSECONDS // 16)).astype(np.int64)
        return [quiet, Requests(times, np.full(4800, 1155), np.full(4800, 211))]

    compared = case(setting(), lambda: iter(step()), Bounds(1, 6, 1))
    shares = {each.name: each.slo_attainment for each in run(compared, list(POLICIES))}
    reactive = [name for name in POLICIES if name not in ("fixed-maximum", "oracle", "schedule")]
    assert all(shares[name] < 0.5 for name in reactive), shares
    assert shares["oracle"] > 0.9
    assert shares["fixed-maximum"] > 0.9


def test_a_node_is_billed_from_launch_not_from_ready() -> None:
    terms = (ColdStartTerm("decision", 30, 30, ""), ColdStartTerm("boot", 120, 120, ""))
    pod = (ColdStartTerm("load", 60, 60, ""),)
    supply = Supply(ColdStart(terms, (), pod), usd_per_node_hour=3.6, idle_node_seconds=0)
    load = Requests(np.array([0, 3600 * PICOSECONDS]), np.array([100, 100]), np.array([10, 10]))
    world = World(replace(setting(), supply=supply), Scheduled("one more", [0.0, 1800.0], [1, 2]))
    outcome = world.run([load])
    launched = next(at for at, count in outcome.replica_curve if count == 2) + 30
    assert outcome.gpu_hours * 3600 == pytest.approx(3600 + 3600 - launched, abs=0.1)
    assert outcome.booting_gpu_hours * 3600 == pytest.approx(180, abs=0.1)
    assert outcome.usd == pytest.approx(outcome.gpu_hours * 3.6)


def test_a_second_pod_on_a_node_pays_neither_node_nor_image() -> None:
    cold = ColdStart(
        (ColdStartTerm("node", 300, 300, ""),),
        (ColdStartTerm("image", 100, 100, ""),),
        (ColdStartTerm("load", 50, 50, ""),),
    )
    supply = Supply(cold, pods_per_node=2, gpus_per_node=2)
    world = World(Setting(setting().engine, supply), Scheduled("grow", [0.0, 60.0, 600.0], [2, 3, 4]))
    world.run([Requests(np.array([0, 2000 * PICOSECONDS]), np.array([10, 10]), np.array([5, 5]))])
    waits = [pod.ready_seconds - pod.created_seconds for pod in world.pods]
    assert waits == pytest.approx([0, 0, 450, 50])


NODE_OF_300_S = ColdStart(
    (ColdStartTerm("node", 300, 300, ""),),
    (ColdStartTerm("image", 100, 100, ""),),
    (ColdStartTerm("load", 50, 50, ""),),
)


@pytest.mark.parametrize(
    ("most", "waits", "nodes_at_end"),
    [
        (None, [0, 50, 150, 50], 5),  # at 60 s the spare node, at 300 s the next, whose image is still pulled, then one
        (4, [0, 50, 150, 50], 4),  # there is no fifth: none is spare at the end
    ],
)
def test_a_replica_that_finds_the_spare_node_waits_for_no_node_and_the_next_one_is_bought(
    most: int | None, waits: list[float], nodes_at_end: int
) -> None:
    supply = Supply(NODE_OF_300_S, min_nodes=2, spare_nodes=1, max_nodes=most, idle_node_seconds=0)
    world = World(Setting(setting().engine, supply), Scheduled("grow", [0.0, 60.0, 375.0, 1500.0], [1, 2, 3, 4]))
    world.run([Requests(np.array([0, 3000 * PICOSECONDS]), np.array([10, 10]), np.array([5, 5]))])
    found = [pod.ready_seconds - pod.created_seconds for pod in world.pods]
    assert found == pytest.approx(waits)
    assert sum(pod.node is not None for pod in world.pods) == 4
    assert world.nodes.billed_nodes == nodes_at_end


def test_a_burst_beyond_the_spare_nodes_waits_for_new_ones() -> None:
    supply = Supply(NODE_OF_300_S, min_nodes=2, spare_nodes=1)
    world = World(Setting(setting().engine, supply), Scheduled("grow", [0.0, 60.0], [1, 4]))
    world.run([Requests(np.array([0, 2000 * PICOSECONDS]), np.array([10, 10]), np.array([5, 5]))])
    assert [pod.ready_seconds - pod.created_seconds for pod in world.pods] == pytest.approx([0, 50, 450, 450])


def test_a_spare_node_is_paid_for_all_the_time_and_kept_when_replicas_leave() -> None:
    def gpu_hours(spare: int) -> float:
        supply = Supply(NODE_OF_300_S, min_nodes=1 + spare, spare_nodes=spare, idle_node_seconds=0)
        world = World(Setting(setting().engine, supply), Scheduled("saw", [0.0, 600.0, 1800.0], [1, 2, 1]))
        load = Requests(np.array([0, 7200 * PICOSECONDS]), np.array([10, 10]), np.array([5, 5]))
        return world.run([load]).gpu_hours

    assert gpu_hours(1) - gpu_hours(0) == pytest.approx(2.0, abs=0.1)


def test_launches_that_find_no_capacity_are_tried_again_and_come_later() -> None:
    def mean_wait(failure: float) -> float:
        supply = Supply(fixed_cold_start(240), launch_failure=failure, retry_seconds=60)
        world = World(Setting(setting().engine, supply), Scheduled("grow", [0.0, 60.0], [1, 40]))
        world.run([Requests(np.array([0, 3600 * PICOSECONDS]), np.array([10, 10]), np.array([5, 5]))])
        return float(np.mean([pod.ready_seconds - pod.created_seconds for pod in world.pods[1:]]))

    assert mean_wait(0.0) == pytest.approx(240)
    assert 270 < mean_wait(0.5) < 360


def test_a_drain_that_is_too_short_loses_requests_and_a_long_one_none() -> None:
    def lost(grace: float) -> int:
        supply = Supply(fixed_cold_start(60), grace_seconds=grace, pre_stop_seconds=5)
        return World(Setting(setting().engine, supply), Scheduled("shrink", [0.0, 300.0], [3, 1])).run(HOUR()).lost

    assert lost(10) > 0
    assert lost(3600) == 0


def test_without_a_replica_requests_are_rejected() -> None:
    outcome = World(setting(), Fixed("nothing", 0)).run(
        [Requests(np.array([0, 10**12]), np.array([5, 5]), np.array([5, 5]))]
    )
    assert (outcome.rejected, outcome.slo_attainment, outcome.ttft_p50_s) == (2, 0.0, None)


def test_prompts_longer_than_the_model_takes_are_rejected_and_answers_cut() -> None:
    load = Requests(np.array([0, 1, 2]), np.array([9000, 8191, 100]), np.array([10, 500, 9000]))
    world = World(setting(), Fixed("one", 1))
    outcome = world.run([load])
    assert outcome.rejected == 1
    assert world.tally.output_tokens == 1 + 8092


def test_percentiles_are_within_half_a_percent() -> None:
    values = np.random.default_rng(1).lognormal(0, 1.5, 20_000)
    latencies = Latencies()
    for piece in np.array_split(values, 7):
        latencies.add(piece)
    for share in (0.5, 0.95, 0.99):
        assert latencies.percentile(share) == pytest.approx(float(np.quantile(values, share)), rel=0.006)
    assert Latencies().percentile(0.5) is None
