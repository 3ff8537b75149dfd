"""What the default once did wrong, whole runs: a trend of two samples, room for one burst."""

from __future__ import annotations

import pytest

from simulation.compare import Bounds, case, run
from simulation.outcome import Outcome
from simulation.supply import Supply, fixed_cold_start
from tests.simulation.engines import engine, generated, setting


def default_on(text: str, seconds: float, cold_start_seconds: float, card: str) -> Outcome:
    """From one ready replica, up to 40."""
    supply = Supply(fixed_cold_start(cold_start_seconds, cold_start_seconds / 8))
    here = setting(engine=engine(card), supply=supply)
    compared = case(here, generated(text, 3, seconds), Bounds(1, 40, 1), with_oracle=False)
    (outcome,) = run(compared, ["default"])
    return outcome


@pytest.mark.parametrize(("card", "cold"), [("l40s", 120), ("l40s", 600), ("h100", 600)])
def test_two_requests_a_second_that_one_replica_carries_never_get_another(card: str, cold: float) -> None:
    """The trend of the first two samples asked for 5, or 10 with a long cold start."""
    outcome = default_on("poisson:2", 3600, cold, card)
    assert outcome.slo_attainment > 0.99
    assert outcome.most_replicas == 1


@pytest.mark.parametrize(("card", "cold", "most"), [("l40s", 120, 1.35), ("l40s", 600, 1.5), ("h100", 600, 1.1)])
def test_one_burst_in_four_hours_is_not_paid_for_until_the_hour_has_forgotten_it(
    card: str, cold: float, most: float
) -> None:
    """Five minutes at six times the rate; the load's deviation of an hour keeps no fleet for it."""
    outcome = default_on("burst:2,12,14400,300", 14_400, cold, card)
    assert outcome.gpu_hours < most * 4
