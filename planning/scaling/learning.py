"""How far a replica's load is learned from the live engine: the constants, and why they are these.

docs/adr/0040-replica-load-learned.md has what was compared.
"""

from __future__ import annotations

from planning.model.demand import Capacity
from planning.model.learning import Learning

# Three hours of steps say the ratio to about 1 %, and follow lengths that drift within an afternoon.
WINDOW_SECONDS = 10_800
# "At work or not" is sampled at scrapes: an hour of engines at work is 240 samples, 4 to 5 % of an engine that works
# half the time. A large pool has them in minutes, and would take its first load's own rise for slowness: half an hour.
LEAST_WORK_SECONDS = 3600
LEAST_SECONDS = 1800
TOLERANCE = 0.05
# Steps 1.3 times as long leave an L40S or an H100 1.3^1.6 to 1.3^2 less within its SLO; a slow GPU, whose step with a
# full chunk is as long as the promise, far more. Quicker steps give back 1.3^1.25 to 1.3^1.4.
QUICK_POWER, SLOW_POWER = 2.0, 4.0
QUICKER_POWER = 1.25
# The throughput model is within 1.3 on nine of ten rows, off by 2.7 on the worst: beyond twice something else is wrong.
LEAST, MOST = 0.5, 2.0


def learning(what: Capacity, quickness: float) -> Learning | None:
    """For replicas of this capacity; `quickness`: 0 of slow ones, 1 of quick ones. None: their steps are not known."""
    if what.step_times is None:
        return None
    return Learning(
        times=what.step_times,
        window_seconds=WINDOW_SECONDS,
        least_seconds=LEAST_SECONDS,
        least_work_seconds=LEAST_WORK_SECONDS,
        tolerance=TOLERANCE,
        slower_power=SLOW_POWER + (QUICK_POWER - SLOW_POWER) * quickness,
        quicker_power=QUICKER_POWER,
        least=LEAST,
        most=MOST,
    )
