"""Bursts in steps: against the simulator's kernel, against arithmetic, and where the cache is short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.throughput.burst import burst
from planning.throughput.roofline import Traffic, padded, rates
from planning.throughput.serving_rates import ServingRates, replica_rates
from simulation import kernel as k
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Fleet

MODEL = architecture("meta-llama/Llama-3.1-8B-Instruct")
TRAFFIC = Traffic(500, 100)


def rates_with(**changes: object) -> ServingRates:
    """A replica on an L4, without what a preempted request may find again: the kernel has no such cache."""
    plain = replica_rates(MODEL, EngineConfig(8192), gpu("l4"), TRAFFIC)
    return replace(plain, caches_prefixes=False, **changes)  # type: ignore[arg-type]


def by_kernel(what: ServingRates, lengths: list[tuple[int, int]]) -> tuple[float, float, int]:
    """Seconds in all, mean seconds to the first token, preemptions."""
    model = EngineModel(
        what.costs,
        int(what.kv_cache_tokens // 16),
        what.max_num_seqs,
        what.max_num_batched_tokens,
        8192,
        admits_whole_prompts=what.admits_whole_prompts,
    )
    fleet = Fleet(model)
    place, count = fleet.start(0), len(lengths)
    inputs, outputs = (np.array(column) for column in zip(*lengths, strict=True))
    fleet.send(np.zeros(count, dtype=np.int64), inputs, outputs, np.zeros(count), (0, count), np.array([place]))
    done = fleet.run_until(10**18)
    preempted = int(fleet.replicas[place][k.PREEMPTED])
    return done.done.max() / PICOSECONDS, float(done.first_token.mean()) / PICOSECONDS, preempted


MIXED = [(50 + 37 * n % 900, 1 + 53 * n % 300) for n in range(120)]


@pytest.mark.parametrize(
    ("what", "lengths"),
    [
        (rates_with(), [(500, 100)] * 64),
        (rates_with(), MIXED),
        (rates_with(max_num_seqs=7), MIXED),
        (rates_with(max_num_batched_tokens=256), MIXED),
        (rates_with(kv_cache_tokens=9_000), MIXED),
        (rates_with(kv_cache_tokens=9_000, admits_whole_prompts=False, max_num_batched_tokens=256), MIXED),
        (rates_with(), [(3000, 1)] * 9),
    ],
)
def test_it_is_the_kernels_schedule_to_two_percent(what: ServingRates, lengths: list[tuple[int, int]]) -> None:
    seconds, first, preempted = by_kernel(what, lengths)
    ours = burst(what, lengths)
    assert ours.seconds == pytest.approx(seconds, rel=0.02)
    assert ours.mean_time_to_first_token_seconds - 0.0156 == pytest.approx(first, rel=0.03)
    assert (ours.preempted > 0) is (preempted > 0)


def test_one_request_alone_is_its_chunks_and_its_decode_steps() -> None:
    what = rates_with()
    ours = burst(what, [(500, 3)])
    costs = what.costs
    alone = costs.step_seconds(padded(500, costs.largest_graph), 1, 0, 500 * 501 / 2)
    alone += costs.step_seconds(1, 1, 501) + costs.step_seconds(1, 1, 502)
    assert ours.seconds == pytest.approx(alone)
    assert ours.output_tokens_per_second == pytest.approx(3 / alone)


def test_a_client_with_a_limit_reaches_the_steady_state_when_it_sends_enough() -> None:
    what = rates_with()
    # Equal answers would end together and go on in waves, which is slower.
    ours = burst(what, [(500, 50 + 37 * n % 101) for n in range(800)], at_once=16)
    assert ours.most_at_once <= 16
    steady = rates(what.costs, TRAFFIC, 16).output_tokens_per_second
    assert ours.output_tokens_per_second == pytest.approx(steady, rel=0.12)


def test_a_preempted_request_that_finds_its_blocks_again_costs_less() -> None:
    short = rates_with(kv_cache_tokens=9_000)
    again = replace(short, caches_prefixes=True)
    assert burst(short, MIXED).preempted > 0
    assert burst(again, MIXED).seconds < burst(short, MIXED).seconds


def test_the_old_engine_computes_prompts_in_steps_of_their_own() -> None:
    old = replica_rates(MODEL, EngineConfig(4096, vllm_version="0.7.3"), gpu("l4"), TRAFFIC)
    assert old.costs.prompts_apart
    lengths = [(500, 20 + 37 * n % 101) for n in range(96)]
    ours, mixed = burst(old, lengths), burst(replace(old, costs=replace(old.costs, prompts_apart=False)), lengths)
    assert ours.seconds > mixed.seconds


def test_what_the_cache_never_holds_is_refused_and_so_is_nothing() -> None:
    with pytest.raises(ValueError, match="5000 tokens is more than the cache of 4000"):
        burst(rates_with(kv_cache_tokens=4000), [(4900, 100)])
    with pytest.raises(ValueError, match="one request or more"):
        burst(rates_with(), [])


@pytest.mark.parametrize(
    ("tokens", "largest", "size"),
    [
        (1, 512, 1),
        (2, 512, 2),
        (3, 512, 4),
        (5, 512, 8),
        (8, 512, 8),
        (249, 512, 256),
        (257, 512, 272),
        (600, 512, 600),
    ],
)
def test_a_step_is_padded_to_a_captured_size(tokens: int, largest: int, size: int) -> None:
    assert padded(tokens, largest) == size
    assert padded(tokens, 0) == tokens
