"""A weekday and a weekend day of declared traffic under the demand policy, simulated as a fluid by the minute.

No requests are drawn: a minute has a rate. Replicas follow the policy's own demand and windows, are ready a cold start
late, and queue what they cannot do. The share in SLO is that of arrivals at random at a replica's part of the rate
(planning/throughput/slo_load.py). It takes milliseconds; `python -m planning simulate` draws every request and takes
seconds. docs/cost-model.md holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt

from planning.scaling.policy import ScalingDecision
from planning.scaling.replica import busy_replicas
from planning.throughput.roofline import rates
from planning.throughput.serving_rates import ServingRates
from planning.throughput.slo_load import Promise, Replica, Variation, share_in_slo
from planning.throughput.traffic_shape import DAY_SECONDS, WEEKDAYS, WEEKEND_DAYS, rate_share
from settings.demand import DeclaredTraffic

STEP_SECONDS = 60
STEPS = DAY_SECONDS // STEP_SECONDS
_SPREAD_STEPS = 3600 // STEP_SECONDS
_CURVE_STEPS = 32


@dataclass(frozen=True)
class Day:
    """A day by the minute: rate (requests/s) and ready replicas. `replica_hours`: all that run, booting ones too.

    `wanted_replicas`: most that the policy wanted, whatever its bounds. `slo_share`: of the day's requests, estimated.
    """

    requests_per_second: tuple[float, ...]
    ready_replicas: tuple[int, ...]
    replica_hours: float
    wanted_replicas: int
    slo_share: float
    requests: float


@dataclass(frozen=True)
class Week:
    """A weekday, a weekend day (the same where traffic has no weekends), and what a week of them comes to."""

    weekday: Day
    weekend: Day

    @property
    def replica_hours_per_week(self) -> float:
        """Of running replicas."""
        return WEEKDAYS * self.weekday.replica_hours + WEEKEND_DAYS * self.weekend.replica_hours

    @property
    def slo_share(self) -> float:
        """Of the week's requests."""
        days = ((self.weekday, WEEKDAYS), (self.weekend, WEEKEND_DAYS))
        asked = sum(count * day.requests for day, count in days)
        return sum(count * day.requests * day.slo_share for day, count in days) / asked


@dataclass(frozen=True)
class ServedTraffic:
    """What the picture is made of: the replica, what was promised, how replicas follow, and how long they start."""

    rates: ServingRates
    promise: Promise
    decision: ScalingDecision
    cold_start_seconds: float


def week(traffic: DeclaredTraffic, served: ServedTraffic) -> Week:
    """The picture of declared traffic."""
    curve = _slo_curve(served, _most_rate(served))
    weekday = _day(traffic, served, curve, weekend=False)
    if traffic.shape.value != "diurnal":
        return Week(weekday, weekday)
    return Week(weekday, _day(traffic, served, curve, weekend=True))


def _most_rate(served: ServedTraffic) -> float:
    return rates(served.rates.costs, served.rates.traffic, served.rates.most_concurrent).requests_per_second


def _slo_curve(served: ServedTraffic, most_rate: float) -> list[float]:
    """The share in SLO at equal steps of one replica's rate, from idle to saturated."""
    rates = served.rates
    replica = Replica(rates.costs, rates.most_concurrent, rates.max_num_batched_tokens, rates.traffic, Variation())
    steps = [most_rate * max(0.1, step) / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    return [share_in_slo(replica, served.promise, rate) for rate in steps]


class _Replicas:
    """Running replicas by the second at which they are ready, oldest first."""

    def __init__(self, count: int, cold_start_seconds: float) -> None:
        self.ready_seconds = [-inf] * count
        self.cold_start_seconds = cold_start_seconds

    def follow(self, target: int, now: float) -> int:
        """Starts or lets go (the youngest first); how many are ready."""
        missing = target - len(self.ready_seconds)
        self.ready_seconds += [now + self.cold_start_seconds] * max(0, missing)
        del self.ready_seconds[target:]
        return sum(ready <= now for ready in self.ready_seconds)


def _day(traffic: DeclaredTraffic, served: ServedTraffic, curve: Sequence[float], *, weekend: bool) -> Day:
    shape, decision, cold = traffic.shape.value, served.decision, served.cold_start_seconds
    shares = [rate_share(shape, step * STEP_SECONDS, weekend=weekend) for step in range(STEPS)]
    asked = [traffic.requests_per_second * share for share in shares]
    loads = [busy_replicas(decision.demand.capacity, served.rates.traffic, rate) for rate in asked]
    targets = _wanted(loads, decision, cold if shape == "diurnal" else 0.0)
    bounded = [min(max(count, decision.min_replicas), decision.max_replicas) for count in targets]
    held = _stabilized(bounded, max(1, ceil(decision.down.window_seconds / STEP_SECONDS)))
    replicas, most_rate = _Replicas(held[-1], cold), _most_rate(served)
    ready, running, in_slo, backlog = [], 0, 0.0, 0.0
    for step, rate in enumerate(asked):
        now = replicas.follow(held[step], step * STEP_SECONDS)
        ready.append(now)
        running += len(replicas.ready_seconds)
        backlog = max(0.0, backlog + (rate - now * most_rate) * STEP_SECONDS)
        if backlog == 0:
            in_slo += rate * _between(curve, rate / now / most_rate * _CURVE_STEPS)
    return Day(
        requests_per_second=tuple(asked),
        ready_replicas=tuple(ready),
        replica_hours=running * STEP_SECONDS / 3600,
        wanted_replicas=max(targets),
        slo_share=in_slo / sum(asked),
        requests=sum(asked) * STEP_SECONDS,
    )


def _between(curve: Sequence[float], place: float) -> float:
    below = min(int(place), len(curve) - 2)
    return curve[below] + (curve[below + 1] - curve[below]) * (place - below)


def _wanted(loads: Sequence[float], decision: ScalingDecision, lead_seconds: float) -> list[int]:
    """What the policy asks for: the load it expects over a cold start (trend, and the day before), with its room.

    The day repeats: before its first minute lies its last.
    """
    ahead = ceil(lead_seconds / STEP_SECONDS) + 1
    around = [*loads, *loads[:ahead]]
    last_hour = loads[-_SPREAD_STEPS:]
    total, squares = sum(last_hour), sum(count * count for count in last_hour)
    counts = []
    for step, load in enumerate(loads):
        gone = loads[step - _SPREAD_STEPS]
        total, squares = total + load - gone, squares + load * load - gone * gone
        spread = sqrt(max(0.0, squares / _SPREAD_STEPS - (total / _SPREAD_STEPS) ** 2))
        expected = max(around[step : step + ahead])
        counts.append(max(1, ceil(decision.demand.replicas(expected, spread) - 1e-9)))
    return counts


def _stabilized(targets: Sequence[int], window: int) -> list[int]:
    """Down only to the most that was wanted within the window."""
    before = [*targets[-window + 1 :], *targets] if window > 1 else targets
    return [max(before[step : step + window]) for step in range(len(targets))]
