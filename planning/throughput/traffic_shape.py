"""How requests come over a day: shares of the busiest hour's rate. Without numpy, for the plan and the preview.

The simulator's generated profiles (simulation/profiles.py) have the same day; a test holds them together.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi

DAY_SECONDS = 86_400
# A day peaks at 15:00 and falls to a fifth at night; weekends have 60 % of a weekday.
NIGHT_SHARE = 0.2
WEEKEND_SHARE = 0.6
WEEKDAYS, WEEKEND_DAYS = 5, 2
# A minute of every quarter of an hour at five times the rate between; the mean is the declared one.
BURST_EVERY_SECONDS = 900
BURST_SECONDS = 60
BURST_FACTOR = 5.0


@lru_cache(maxsize=16_384)
def rate_share(shape: str, second: float, *, weekend: bool = False) -> float:
    """The rate at a second of the day, as a share of the busiest hour's mean. `shape` as in settings/demand.py."""
    if shape == "diurnal":
        angle = 2 * pi * (second % DAY_SECONDS / DAY_SECONDS - 3 / 24)
        share = NIGHT_SHARE + (1 - NIGHT_SHARE) * ((1 - cos(angle)) / 2) ** 2
        return share * (WEEKEND_SHARE if weekend else 1.0)
    if shape == "burst":
        bursts = BURST_SECONDS / BURST_EVERY_SECONDS
        between = 1 / (1 - bursts + bursts * BURST_FACTOR)
        return between * (BURST_FACTOR if second % BURST_EVERY_SECONDS >= BURST_EVERY_SECONDS - BURST_SECONDS else 1.0)
    return 1.0


def mean_share(shape: str) -> float:
    """The mean over a whole week, as a share of the busiest hour's mean."""
    if shape != "diurnal":
        return 1.0
    # The mean of ((1 - cos)/2)² over a turn is 3/8.
    day = NIGHT_SHARE + (1 - NIGHT_SHARE) * 3 / 8
    return day * (WEEKDAYS + WEEKEND_DAYS * WEEKEND_SHARE) / (WEEKDAYS + WEEKEND_DAYS)
