"""Continuous batching: nothing is lost, nothing is made up, and the KV cache never holds more than it can."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.engine.batching import Batcher, Observer, Sequence
from local.engine.rates import EngineRates

RATES = EngineRates(1000.0, 0.01, 0.0, kv_cache_tokens=16 * 40, step_overhead_seconds=0.001)
REQUESTS = st.lists(
    st.tuples(st.integers(1, 300), st.integers(1, 60), st.floats(0, 2), st.booleans()), min_size=1, max_size=25
)


def _drain(batcher: Batcher) -> None:
    while (end := batcher.next_event) is not None:
        batcher.advance(end)


@given(REQUESTS, st.integers(1, 8), st.integers(16, 256))
def test_every_request_ends_once_with_all_its_tokens(
    requests: list[tuple[int, int, float, bool]], seqs: int, budget: int
) -> None:
    finished: list[Sequence] = []
    counted: Counter[str] = Counter()
    observer = Observer(
        on_step=lambda prompt, generated, _: counted.update(prompt=prompt, generated=generated),
        on_finish=finished.append,
    )
    batcher = Batcher(RATES, seqs, budget, 16, observer)
    sequences = []
    for prompt, output, at, abort in sorted(requests, key=lambda request: request[2]):
        batcher.advance(at)
        sequence = Sequence(prompt, output, "stop", at)
        batcher.add(sequence)
        sequences.append((sequence, abort))
        assert len(batcher.running) <= seqs
        assert batcher.used_blocks <= batcher.total_blocks
        assert batcher.used_blocks == sum(s.blocks for s in batcher.running)
    for sequence, abort in sequences[::2]:
        if abort:
            batcher.abort(sequence, batcher.now)
    _drain(batcher)

    assert batcher.idle
    assert batcher.used_blocks == 0
    assert len(finished) == len({id(s) for s in finished}) == len(requests)
    for sequence in finished:
        assert sequence.generated == sequence.output_tokens or sequence.aborted
    assert counted["generated"] == sum(s.generated for s in finished)
    assert counted["prompt"] == sum(s.prompt_tokens for s in finished if s.generated)


def test_requests_are_admitted_in_order_of_arrival() -> None:
    batcher = Batcher(RATES, 2, 64)
    sequences = [Sequence(10, 5, "stop", 0.0) for _ in range(6)]
    for sequence in sequences:
        batcher.add(sequence)
    _drain(batcher)
    started = [s.scheduled for s in sequences]
    assert None not in started
    assert started == sorted(started, key=lambda t: t or 0.0)


def test_no_more_than_max_num_seqs_run() -> None:
    batcher = Batcher(RATES, 3, 2048)
    for _ in range(5):
        batcher.add(Sequence(10, 50, "stop", 0.0))
    batcher.advance(0.2)
    assert (len(batcher.running), len(batcher.waiting)) == (3, 2)


def test_a_full_cache_preempts_the_youngest_and_it_is_computed_anew() -> None:
    preempted: list[Sequence] = []
    batcher = Batcher(RATES, 8, 2048, 16, Observer(on_preemption=preempted.append))  # 40 blocks
    old, young = Sequence(300, 300, "stop", 0.0), Sequence(300, 300, "stop", 0.0)
    batcher.add(old)
    batcher.add(young)
    _drain(batcher)
    assert preempted[0] is young
    assert old not in preempted
    assert (old.generated, young.generated) == (300, 300)
    assert old.finished is not None
    assert young.finished is not None
    assert old.finished < young.finished


def test_a_request_that_no_empty_cache_holds_is_refused_at_once() -> None:
    batcher = Batcher(RATES, 8, 2048)
    with pytest.raises(ValueError, match="641 tokens do not fit the KV cache"):
        batcher.add(Sequence(640, 1, "stop", 0.0))
    assert batcher.idle


def test_a_long_prompt_is_computed_in_chunks_while_others_go_on() -> None:
    batcher = Batcher(RATES, 8, 100)
    batcher.add(Sequence(10, 40, "stop", 0.0))
    batcher.advance(0.05)
    talking = batcher.running[0]
    before = talking.generated
    long = Sequence(450, 1, "stop", batcher.now)
    batcher.add(long)
    while long.first_token is None:
        batcher.advance(batcher.next_event or 0.0)
    assert talking.generated - before >= 5  # five steps of at most 100 tokens each


def test_a_step_lasts_as_long_as_the_slower_of_compute_and_memory() -> None:
    rates = EngineRates(1000.0, 0.010, 1e-5, 10_000, step_overhead_seconds=0.001)
    assert rates.step_seconds(new_tokens=1, context_tokens=0) == pytest.approx(0.011)
    assert rates.step_seconds(new_tokens=1, context_tokens=1000) == pytest.approx(0.021)
    assert rates.step_seconds(new_tokens=500, context_tokens=0) == pytest.approx(0.501)
    assert rates.scaled(10).step_seconds(500, 0) == pytest.approx(0.0501)
