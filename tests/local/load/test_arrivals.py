"""The requests of a run: seeded, bounded, and shaped as the profile says."""

from __future__ import annotations

import numpy as np
import pytest

from local.load.arrivals import arrivals, before, shape_of, spike_seconds
from local.load.options import KINDS, Options


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_sends_the_same_requests(kind: str) -> None:
    options = Options(profile=kind, rate=10, seconds=60, seed=3)
    planned, beyond = arrivals(options, 8192)
    assert planned
    assert beyond == 0
    assert arrivals(options, 8192)[0] == planned
    assert arrivals(Options(profile=kind, rate=10, seconds=60, seed=4), 8192)[0] != planned
    assert [a.seconds for a in planned] == sorted(a.seconds for a in planned)
    assert planned[-1].seconds < 60


def test_a_burst_is_the_middle_third() -> None:
    options = Options(profile="burst", rate=20, seconds=90)
    planned, _ = arrivals(options, 8192)
    first = before(planned, 30)
    middle = before(planned, 60) - first
    assert spike_seconds(options) == 30
    assert middle > 5 * first
    assert middle > 5 * (len(planned) - first - middle)
    assert middle == pytest.approx(20 * 30, rel=0.2)


def test_a_day_is_compressed_into_the_run_with_its_peak_at_the_rate() -> None:
    shape = shape_of(Options(profile="diurnal", rate=8, seconds=240))
    moments = np.linspace(0, 240, 1000, endpoint=False)
    rates = shape.rate(moments)
    assert rates.max() == pytest.approx(8, rel=0.01)
    assert rates.min() == pytest.approx(8 / 5, rel=0.05)
    assert 140 < moments[rates.argmax()] < 160, "15 o'clock"
    assert spike_seconds(Options(profile="diurnal")) is None


def test_no_more_than_the_bound_are_sent_and_the_rest_is_counted() -> None:
    options = Options(profile="steady", rate=50, seconds=10, most_requests=20)
    planned, beyond = arrivals(options, 8192)
    everything, _ = arrivals(Options(profile="steady", rate=50, seconds=10), 8192)
    assert planned == everything[:20]
    assert beyond == len(everything) - 20


def test_prompt_and_answer_together_fit_the_model() -> None:
    planned, _ = arrivals(Options(profile="steady", rate=50, seconds=10), 1000)
    assert max(a.input_tokens + a.output_tokens for a in planned) <= 1000
    assert max(a.input_tokens for a in planned) == 500


def test_no_answer_is_longer_than_asked_for() -> None:
    """One that takes longer than the drain's time-out is cut by vLLM, whatever the platform does."""
    planned, _ = arrivals(Options(profile="steady", rate=50, seconds=20, longest_output_tokens=300), 8192)
    usual, _ = arrivals(Options(profile="steady", rate=50, seconds=20), 8192)
    assert max(a.output_tokens for a in planned) == 300
    assert max(a.output_tokens for a in usual) > 300
    assert [a.seconds for a in planned] == [a.seconds for a in usual]
