from __future__ import annotations

from dataclasses import replace

import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.throughput.roofline import Traffic, most_concurrent, rates, saturated, step_costs

MODEL = architecture("meta-llama/Llama-3.1-8B-Instruct")
TRAFFIC = Traffic(1000, 200)


def test_a_single_sequence_is_bound_by_bandwidth() -> None:
    rates_alone = saturated(MODEL, EngineConfig(4096), gpu("l4"), Traffic(128, 256), concurrency=1)
    assert rates_alone.limited_by == "bandwidth"
    assert 13 < rates_alone.output_tokens_per_second < 18  # 300 GB/s ÷ 16 GB at most


def test_long_prompts_and_short_answers_are_bound_by_compute() -> None:
    costs = step_costs(MODEL, EngineConfig(32768), gpu("l4"))
    assert rates(costs, Traffic(8000, 10), 8).limited_by == "compute"


def test_a_small_model_on_a_large_gpu_is_bound_by_its_host() -> None:
    small = architecture("Qwen/Qwen2.5-0.5B-Instruct")
    costs = step_costs(small, EngineConfig(2048), gpu("h100"))
    assert rates(costs, Traffic(50, 150), 256).limited_by == "host"


def test_more_requests_at_once_never_lower_the_rate_and_never_shorten_a_step() -> None:
    costs = step_costs(MODEL, EngineConfig(8192), gpu("l40s"))
    by_concurrency = [rates(costs, TRAFFIC, n) for n in (1, 2, 4, 8, 16, 32, 64)]
    requests_per_seconds = [one.requests_per_second for one in by_concurrency]
    steps = [one.time_per_output_token_seconds for one in by_concurrency]
    assert requests_per_seconds == sorted(requests_per_seconds)
    assert steps == sorted(steps)


def test_rates_agree_with_one_another() -> None:
    rates_at_twenty = rates(step_costs(MODEL, EngineConfig(8192), gpu("l40s")), TRAFFIC, 20)
    assert rates_at_twenty.output_tokens_per_second == pytest.approx(rates_at_twenty.requests_per_second * 200)
    assert rates_at_twenty.total_tokens_per_second == pytest.approx(rates_at_twenty.requests_per_second * 1200)
    # Little: requests at once = rate × time to decode.
    assert rates_at_twenty.requests_per_second * 200 * rates_at_twenty.time_per_output_token_seconds == pytest.approx(
        20
    )


def test_fp8_helps_where_the_gpu_multiplies_it_and_not_where_it_only_stores_it() -> None:
    plain, eight = EngineConfig(4096), EngineConfig(4096, quantization="fp8")
    ada = [step_costs(MODEL, engine, gpu("l40s")).token_seconds for engine in (plain, eight)]
    ampere = [step_costs(MODEL, engine, gpu("a100-80gb")).token_seconds for engine in (plain, eight)]
    assert ada[1] < 0.6 * ada[0]
    # The same units, and the weights are widened first.
    assert ampere[0] < ampere[1] < 1.2 * ampere[0]


def test_four_bit_weights_are_faster_alone_and_slower_when_full() -> None:
    plain, four = EngineConfig(4096), EngineConfig(4096, quantization="awq")
    alone = [saturated(MODEL, engine, gpu("a100-80gb"), Traffic(230, 310), 1) for engine in (plain, four)]
    full = [saturated(MODEL, engine, gpu("a100-80gb"), Traffic(230, 310)) for engine in (plain, four)]
    assert alone[1].output_tokens_per_second > 1.8 * alone[0].output_tokens_per_second
    assert full[1].output_tokens_per_second < full[0].output_tokens_per_second


def test_tensor_parallel_over_pcie_gains_less_than_over_nvlink() -> None:
    def gain(card: str) -> float:
        one, two = (step_costs(MODEL, EngineConfig(4096, tensor_parallel=size), gpu(card)) for size in (1, 2))
        return rates(one, TRAFFIC, 16).time_per_output_token_seconds / (
            rates(two, TRAFFIC, 16).time_per_output_token_seconds
        )

    assert 1 < gain("a10g") < gain("a100-80gb") < 2


def test_experts_are_read_as_far_as_a_batch_touches_them() -> None:
    mixture = architecture("mistralai/Mixtral-8x7B-Instruct-v0.1")
    costs = step_costs(mixture, EngineConfig(4096), gpu("h200"))
    one, many = costs.linear_seconds(1) - costs.host_seconds, costs.linear_seconds(64) - costs.host_seconds
    assert 2.5 < many / one < 4.5  # 2 of 8 experts for one token, nearly all for 64


def test_eager_mode_costs_time_on_the_host() -> None:
    graphs, eager = EngineConfig(4096), EngineConfig(4096, enforce_eager=True)
    assert step_costs(MODEL, eager, gpu("l4")).host_seconds > 3 * step_costs(MODEL, graphs, gpu("l4")).host_seconds


def test_the_cache_bounds_what_runs_at_once() -> None:
    assert most_concurrent(100_000, 256, TRAFFIC) == pytest.approx(0.67 * 100_000 / 1100)
    assert most_concurrent(10_000_000, 64, TRAFFIC) == 64


def test_what_does_not_fit_has_no_rate() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        saturated(architecture("meta-llama/Llama-3.3-70B-Instruct"), EngineConfig(4096), gpu("l4"), TRAFFIC)


def test_the_quantization_of_the_checkpoint_counts() -> None:
    packed = replace(MODEL, native_quantization="awq")
    assert step_costs(packed, EngineConfig(4096), gpu("l4")).weights_seconds < (
        0.45 * step_costs(MODEL, EngineConfig(4096), gpu("l4")).weights_seconds
    )


def test_a_pcie_board_reduces_more_slowly_than_one_with_nvlink() -> None:
    two = EngineConfig(4096, tensor_parallel=2)
    linked, board = (step_costs(MODEL, two, gpu(name)) for name in ("h100", "h100 pcie"))
    assert board.token_seconds > linked.token_seconds
    assert board.host_seconds > linked.host_seconds
