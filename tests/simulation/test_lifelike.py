"""Generated days: the same seed gives the same, another gives another; what is said to vary varies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulation.engine_limits import PICOSECONDS
from simulation.lifelike import Lifelike, lifelike, minute_rates
from simulation.profiles import profile

DAY = Lifelike(2.0, 1.0)


def test_a_seed_repeats_to_the_last_request_and_another_does_not() -> None:
    one, again, other = (list(lifelike(DAY, seed)) for seed in (4, 4, 5))
    assert all(
        (a.arrivals_ps == b.arrivals_ps).all() and (a.inputs == b.inputs).all()
        for a, b in zip(one, again, strict=False)
    )
    assert sum(chunk.inputs.size for chunk in one) != sum(chunk.inputs.size for chunk in other)


def test_arrivals_are_in_order_and_follow_the_rates() -> None:
    times = np.concatenate([chunk.arrivals_ps for chunk in lifelike(DAY, 4)])
    assert (np.diff(times) >= 0).all()
    counted = np.bincount(times // (60 * PICOSECONDS), minlength=1440)
    rates = minute_rates(DAY, 4)
    assert counted.sum() == pytest.approx(rates.sum() * 60, rel=0.01)
    assert np.corrcoef(counted, rates)[0, 1] > 0.95


def test_over_many_seeds_the_mean_is_the_rate_and_weekends_are_quieter() -> None:
    week = replace(DAY, days=7.0)
    weeks = np.array([minute_rates(week, seed) for seed in range(40)])
    days = weeks.reshape(40, 7, 1440).mean(axis=(0, 2))
    assert days[:5].mean() == pytest.approx(2.0, rel=0.08)
    assert days[5:].mean() / days[:5].mean() == pytest.approx(0.6, rel=0.08)


def test_the_level_wanders_and_no_day_is_the_next() -> None:
    plain = minute_rates(replace(DAY, level_deviation=0.0, minute_shape=1e9, bursts_per_day=0.0), 4)
    wandering = minute_rates(replace(DAY, minute_shape=1e9, bursts_per_day=0.0), 4)
    hours = np.log(wandering / plain).reshape(24, 60)
    assert hours.mean(axis=1).std() > 0.1
    assert hours.std(axis=1).mean() < hours.mean(axis=1).std(), "within an hour it moves less than over the day"
    chosen = profile("diurnal:2")
    assert plain == pytest.approx(chosen.rate(np.arange(1440) * 60.0), rel=1e-3)


def test_lengths_drift_around_their_mean() -> None:
    still = replace(DAY, length_deviation=0.0, daily=False)
    for what, least, most in ((replace(still, length_deviation=0.3), 0.12, 0.6), (still, 0.0, 0.06)):
        means = [np.mean(chunk.inputs) for chunk in lifelike(what, 6)]
        hourly = np.array(means).reshape(24, 6).mean(axis=1)
        assert least <= hourly.std() / hourly.mean() <= most
