from __future__ import annotations

from dataclasses import replace

import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.scaling.replica import (
    Load,
    busy_replicas,
    idle_first_token_seconds,
    rates_at,
    replica_capacity,
    throughput,
)
from planning.throughput.roofline import FRONTEND_SECONDS, Traffic, rates
from planning.throughput.serving_rates import ServingRates, replica_rates
from planning.throughput.slo_load import Promise
from tests.planning.stacks import QWEN

TRAFFIC = Traffic(1155, 211)


def replica(card: str = "l40s", traffic: Traffic = TRAFFIC, model: str = QWEN, **engine: object) -> ServingRates:
    config = replace(EngineConfig(8192, max_num_seqs=64), **engine)  # type: ignore[arg-type]
    return replica_rates(architecture(model), config, gpu(card), traffic)


def test_the_saturated_rates_are_those_of_the_roofline() -> None:
    serving_rates = replica()
    plan, full = (
        throughput(serving_rates, Promise()),
        rates(serving_rates.costs, TRAFFIC, serving_rates.most_concurrent),
    )
    assert plan.requests_per_second == pytest.approx(full.requests_per_second, abs=1e-3)
    assert plan.total_tokens_per_second == pytest.approx(plan.requests_per_second * 1366, rel=1e-3)
    assert plan.limited_by == full.limited_by


def test_within_the_slo_a_replica_does_less_and_a_looser_slo_lets_it_do_more() -> None:
    serving_rates = replica("l4")
    strict, loose = throughput(serving_rates, Promise()), throughput(serving_rates, Promise(5.0, 0.2, 0.9))
    assert 0 < strict.slo_requests_per_second < loose.slo_requests_per_second <= loose.requests_per_second
    assert strict.slo_share >= 0.985


def test_a_promise_that_no_request_can_keep_has_no_rate_and_no_number_of_replicas() -> None:
    plan = throughput(replica("l4"), Promise(2.0, 0.01), Load(1.0, 300, 1, 4))
    assert plan.slo_requests_per_second == 0
    assert plan.slo_share_alone < 0.1
    assert plan.replicas_needed is None


def test_replicas_grow_with_the_load_and_are_unknown_without_one() -> None:
    serving_rates = replica()
    needed = [throughput(serving_rates, Promise(), Load(rate, 300, 1, 4)).replicas_needed for rate in (0.1, 5, 20, 80)]
    assert needed[0] == 1
    assert all(one is not None for one in needed)
    assert needed == sorted(needed)  # type: ignore[type-var]
    assert needed[3] > 10  # type: ignore[operator]
    assert throughput(serving_rates, Promise()).replicas_needed is None


def test_a_prompt_alone_waits_for_its_chunks_and_the_frontend() -> None:
    costs = replica("l4").costs
    one = idle_first_token_seconds(costs, 2048, 2048)
    assert one == pytest.approx(costs.step_seconds(2048, 1, 0, 2048 * 2048 / 2) + FRONTEND_SECONDS)
    # Two chunks: the second reads the first from the cache; pairs stay the same in sum.
    two = idle_first_token_seconds(costs, 4096, 2048)
    pairs = costs.attention_pair_seconds * 4096 * 4096 / 2
    host = 2 * (costs.linear_seconds(2048) + costs.sequence_seconds)
    assert two == pytest.approx(host + pairs + costs.cached_token_seconds * 2048 + FRONTEND_SECONDS)


def test_longer_prompts_take_longer_to_the_first_token_and_prefill_is_their_rate() -> None:
    plans = [throughput(replica("l4", Traffic(tokens, 100)), Promise()) for tokens in (200, 1000, 4000)]
    first = [plan.idle_time_to_first_token_seconds for plan in plans]
    assert first == sorted(first)
    assert 4000 / (first[2] - FRONTEND_SECONDS) == pytest.approx(plans[2].prefill_tokens_per_second, rel=0.1)


def test_a_rate_has_its_steady_state_and_too_high_a_rate_is_saturated() -> None:
    serving_rates = replica()
    plan = throughput(serving_rates, Promise())
    assert rates_at(serving_rates, 1.0).requests_per_second == pytest.approx(1.0, rel=1e-3)
    assert rates_at(serving_rates, 1e6).concurrency == pytest.approx(plan.concurrency, rel=1e-2)


def test_the_load_is_counted_as_the_policy_counts_it() -> None:
    serving_rates = replica()
    what = replica_capacity(serving_rates, 2.0, 0.1)
    load = busy_replicas(what, TRAFFIC, 3.0)
    assert load == pytest.approx(3 * 1155 / what.prompt_tokens_per_second + 3 * 211 / what.output_tokens_per_second)
