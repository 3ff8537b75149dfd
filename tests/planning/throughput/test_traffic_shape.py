from __future__ import annotations

import numpy as np
import pytest

from planning.throughput.traffic_shape import BURST_FACTOR, DAY_SECONDS, WEEKDAYS, WEEKEND_DAYS, mean_share, rate_share
from simulation.profiles import profile

SECONDS = range(0, DAY_SECONDS, 600)


def test_the_day_is_the_one_that_the_simulator_generates() -> None:
    generated = profile("diurnal:1,7")
    for weekend, first in ((False, 0), (True, 5 * DAY_SECONDS)):
        theirs = generated.rate(np.array([float(first + second) for second in SECONDS])) / generated.highest_rate
        ours = [rate_share("diurnal", second, weekend=weekend) for second in SECONDS]
        assert ours == pytest.approx(theirs.tolist())


@pytest.mark.parametrize("shape", ["steady", "diurnal", "burst"])
def test_the_busiest_hour_has_the_declared_rate(shape: str) -> None:
    minutes = [rate_share(shape, minute * 60) for minute in range(1440)]
    hours = [sum(minutes[start : start + 60]) / 60 for start in range(0, 1440, 15)]
    assert max(hours[:93]) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("shape", ["steady", "diurnal", "burst"])
def test_the_mean_of_a_week_is_that_of_its_days(shape: str) -> None:
    days = ((False, WEEKDAYS), (True, WEEKEND_DAYS))
    minutes = [count * rate_share(shape, m * 60, weekend=weekend) for weekend, count in days for m in range(1440)]
    assert sum(minutes) / 1440 / 7 == pytest.approx(mean_share(shape), rel=1e-3)


def test_bursts_are_five_times_what_lies_between_and_nights_a_fifth_of_the_afternoon() -> None:
    assert rate_share("burst", 890) / rate_share("burst", 100) == pytest.approx(BURST_FACTOR)
    assert rate_share("diurnal", 3 * 3600) / rate_share("diurnal", 15 * 3600) == pytest.approx(0.2)
