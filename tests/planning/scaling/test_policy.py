"""The default policy: what it derives from a replica's costs, and the PromQL that it becomes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from planning import facts
from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.model.demand import DEMAND_RULE, EXPECTED_RULE, LOAD_RULE, Capacity
from planning.model.learning import LEARNED_RULE
from planning.nodes.instances import gpu
from planning.scaling.policy import capacity, decide, tuning_for
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import ServingRates, replica_rates
from settings.demand import TrafficShape

REPO = Path(__file__).resolve().parents[3]
USUAL = Traffic(1155.0, 211.0)
MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def rates_of(card: str, tokens: int | None = None) -> ServingRates:
    engine = EngineConfig(8192, max_num_seqs=64, max_num_batched_tokens=tokens)
    return replica_rates(architecture(MODEL), engine, gpu(card), USUAL)


def capacity_of(card: str, tokens: int | None = None, ttft: float = 2.0, tpot: float = 0.1) -> Capacity:
    rates = rates_of(card, tokens)
    return capacity(
        rates.costs,
        rates.most_concurrent,
        rates.traffic,
        ttft,
        tpot,
        max_num_batched_tokens=rates.max_num_batched_tokens,
    )


def test_a_slow_gpu_is_planned_far_less_busy_than_a_fast_one() -> None:
    busy = {card: decide(capacity_of(card), 240, 1, 9).demand.utilization for card in ("l4", "l40s", "h100")}
    assert busy["l4"] < 0.4
    assert busy["l4"] < busy["l40s"] < busy["h100"] < 1.0


def test_a_smaller_chunk_makes_a_slow_gpu_hold_more() -> None:
    assert capacity_of("l4", 256).requests_per_second > 1.3 * capacity_of("l4").requests_per_second


def test_a_laxer_slo_never_needs_more_replicas() -> None:
    wanted = []
    for tpot in (0.09, 0.12, 0.2, 0.5):
        what = capacity_of("l4", tpot=tpot)
        load = what.share(USUAL.input_tokens * 5, USUAL.output_tokens * 5)
        wanted.append(decide(what, 240, 1, 99).demand.replicas(load))
    assert wanted == sorted(wanted, reverse=True)


def test_requests_that_come_steadily_are_carried_with_room_for_chance() -> None:
    """Whatever the GPU: more replicas than the edge of the SLO needs, and not half as many again for a large pool.

    The edge is estimated too low for slow ones (docs/autoscaling.md), which get less room above it.
    """
    for card, least in (("l4", 50), ("a10g", 50), ("l40s", 50 / 0.9), ("h100", 50 / 0.9)):
        what = capacity_of(card)
        rate = 50 * what.requests_per_second
        load = what.share(rate * USUAL.input_tokens, rate * USUAL.output_tokens)
        assert least < decide(what, 240, 1, 999).demand.replicas(load) < 75


def test_room_grows_from_a_slow_replica_to_a_quick_one_without_a_step() -> None:
    at_edge = replace(capacity_of("l40s"), within_slo=0.5)
    rates = (0.01, 0.3, 0.5, 1.0, 2.0, 100.0)
    decisions = [decide(replace(at_edge, requests_per_second=rate), 240, 1, 9) for rate in rates]
    shares = [decision.demand.utilization / 0.5 for decision in decisions]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == shares[1] == 1.0
    assert shares[-2] == shares[-1] == pytest.approx(0.88)
    windows = [decision.down.window_seconds for decision in decisions]
    assert windows == sorted(windows)
    assert windows[0] == 1.5 * 240


def test_noise_by_the_minute_and_one_burst_an_hour_open_no_room_but_many_bursts_do() -> None:
    demand = decide(capacity_of("l40s"), 240, 1, 99).demand
    load = 6.0
    calm = demand.replicas(load)
    assert demand.replicas(load, 0.2 * load) == calm
    assert demand.replicas(load, 1.0 * load) > 2 * calm


def test_slow_replicas_are_watched_for_longer_but_no_longer_than_half_a_cold_start() -> None:
    assert decide(capacity_of("h100"), 240, 1, 9).demand.rate_seconds == 30
    assert decide(capacity_of("l4"), 240, 1, 9).demand.rate_seconds == 120
    assert decide(capacity_of("l4"), 40, 1, 9).demand.rate_seconds == 30


def test_an_slo_that_nothing_meets_still_gives_a_finite_demand() -> None:
    what = capacity_of("l4", tpot=0.0001)
    assert what.share_alone < 0.05
    assert 0 < decide(what, 240, 1, 9).demand.replicas(1.0) < 100


def test_rates_reach_back_to_the_sample_before_their_window() -> None:
    demand = decide(capacity_of("h100"), 240, 1, 9, scrape_seconds=20).demand
    rule = demand.rules('job="models/llama"')[LOAD_RULE]
    assert 'generation_tokens_total{job="models/llama"}[50s]' in rule
    assert 'num_requests_waiting{job="models/llama"}[30s]' in rule


def test_without_pods_nothing_is_expected() -> None:
    """The trend's `or vector(0)` stands behind a load that has to be there: an HPA must hold, not scale by zero."""
    rule = decide(capacity_of("l40s"), 240, 1, 9).demand.rules('job="models/llama"', 'service="llama"')[EXPECTED_RULE]
    assert rule.startswith(f'(max({LOAD_RULE}{{service="llama"}}) + clamp_min(')
    assert "/ 60, 1) ^ 1.5 or vector(0))) * (" in rule
    assert rule.endswith(f'(max({LEARNED_RULE}{{service="llama"}}) or vector(1))'), "times the load: nothing without it"


def test_every_recorded_series_is_reduced_to_one_number_without_labels() -> None:
    """Arithmetic between series matches labels: a bare recorded one beside a max() would match nothing."""
    demand = decide(capacity_of("l40s"), 240, 1, 9).demand
    rules = demand.rules('job="models/llama"', 'service="llama"')
    for name in (EXPECTED_RULE, DEMAND_RULE):
        text = rules[name]
        for series in (LOAD_RULE, EXPECTED_RULE):
            start = text.find(series)
            while start >= 0:
                before = text[:start]
                assert before.endswith(
                    ("max(", "max(deriv(", "max(count_over_time(", "max(stddev_over_time(", "max(avg_over_time(")
                ), before
                start = text.find(series, start + 1)


def test_planning_a_policy_imports_neither_numba_nor_numpy_nor_pydantic() -> None:
    code = (
        "import sys, planning.scaling.policy, planning.throughput.slo_load;"
        "sys.exit(bool({'numpy', 'numba', 'pydantic', 'statistics', 'pulumi'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0


def test_the_same_input_gives_the_same_decision_to_the_last_digit() -> None:
    assert repr(decide(capacity_of("a10g"), 240, 1, 9)) == repr(decide(capacity_of("a10g"), 240, 1, 9))


@pytest.mark.parametrize("share", [0.9, 0.99, 0.999])
def test_a_stricter_share_holds_less(share: float) -> None:
    rates = rates_of("l40s")
    loads = [
        capacity(rates.costs, rates.most_concurrent, USUAL, 2.0, 0.1, share=each).requests_per_second
        for each in (share, 1 - (1 - share) / 2)
    ]
    assert loads[0] > loads[1]


def test_every_shape_of_traffic_has_its_constants_and_a_day_those_of_undeclared_traffic() -> None:
    assert [row["shape"] for row in facts.rows("scaling_shapes.csv")] == [shape.value for shape in TrafficShape]
    assert tuning_for("diurnal") == tuning_for("steady") == tuning_for()


@pytest.mark.parametrize("card", ["l4", "l40s", "h100"])
def test_traffic_that_comes_in_bursts_is_given_a_share_of_each_replica_whatever_the_last_hour_was(card: str) -> None:
    """A burst is over before a replica that it asks for is ready: room in proportion, not for what was seen of late."""
    what = capacity_of(card)
    burst, day = (decide(what, 240, 1, 99, tuning_for(shape)).demand for shape in ("burst", "diurnal"))
    assert burst.replicas(8.0) > 1.2 * day.replicas(8.0)
    assert burst.replicas(8.0) == pytest.approx(2 * burst.replicas(4.0))
    assert burst.replicas(4.0, spread=8.0) == burst.replicas(4.0)
    assert (burst.lead_seconds, burst.usual_seconds) == (0, 3600)
