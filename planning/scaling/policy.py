"""How replicas follow load: the default policy, derived from what one replica can do.

`decide` answers metrics, targets and behavior of an HPA (or of KEDA, which makes an HPA). The simulator runs the
answer and a component can render it: the demand is a Prometheus recording rule, in replicas. docs/autoscaling.md says
how it was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil, log, sqrt

from planning import facts
from planning.model.demand import Capacity, Demand
from planning.scaling.learning import learning
from planning.throughput.roofline import StepCosts, Traffic, rates
from planning.throughput.slo_load import Promise, Replica, Variation, most_load
from planning.throughput.step_times import step_times

LONGEST_WINDOW_SECONDS = 3600  # autoscaling/v2 refuses more
# Requests per second of one replica at the edge of its SLO: below the first it is slow, above the second quick. The
# estimate of that edge errs low for slow ones and high for quick ones (docs/autoscaling.md), and a slow one's window is
# as long as its answers, so that less of what it shows is chance.
SLOW, QUICK = 0.3, 2.0
USUAL_SHAPE = "diurnal"  # of traffic that is not declared
REQUEST_VARIATION = 0.8  # of the work in a request, standard deviation ÷ mean (Azure's traces: 0.7 to 1.0)


@dataclass(frozen=True)
class Direction:
    """One direction of an HPA's behavior: window, and at most `pods` or `percent` per period, whichever is more."""

    window_seconds: int
    pods: int
    percent: int
    period_seconds: int


@dataclass(frozen=True)
class ScalingDecision:
    """An HPA on one external metric, `DEMAND_RULE`, AverageValue 1: replicas = demand, rounded up."""

    min_replicas: int
    max_replicas: int
    demand: Demand
    up: Direction
    down: Direction


@dataclass(frozen=True)
class Tuning:
    """The constants that traces were tried for (docs/autoscaling.md).

    Those without a value here differ by the shape of traffic: `tuning_for`, scaling_shapes.csv.
    """

    slo_load: float
    slow_slo_load: float
    slack: float
    slow_slack: float
    spread_factor: float
    lead_cold_starts: float
    usual_seconds: int
    name: str = "default"
    slow_down_cold_starts: float = 1.5
    spread_allowed: float = 3.5
    spread_share: float = 0.2
    spread_seconds: int = 3600
    rate_seconds: int = 30
    rate_requests: float = 30.0
    trend_seconds: int = 1800
    down_cold_starts: float = 2.5
    learns: bool = True


@cache
def tuning_for(shape: str = USUAL_SHAPE) -> Tuning:
    """The constants for traffic of that shape (settings/demand.py)."""
    row = next(each for each in facts.rows("scaling_shapes.csv") if each["shape"] == shape)
    return Tuning(
        slo_load=float(row["slo_load"]),
        slow_slo_load=float(row["slow_slo_load"]),
        slack=float(row["slack"]),
        slow_slack=float(row["slow_slack"]),
        spread_factor=float(row["spread_factor"]),
        lead_cold_starts=float(row["lead_cold_starts"]),
        usual_seconds=int(row["usual_seconds"]),
    )


def capacity(
    costs: StepCosts,
    most_concurrent: float,
    traffic: Traffic,
    ttft_seconds: float,
    tpot_seconds: float,
    *,
    max_num_batched_tokens: int = 2048,
    share: float = 0.99,
    variation: Variation | None = None,
) -> Capacity:
    """What one replica does within SLO: the batch whose steps stay within `tpot_seconds`, and its pure rates there.

    `share` of the requests are to hold the SLO; `max_num_batched_tokens`: the engine's chunk, which holds up answers.
    """
    low, high = 1.0, max(1.0, most_concurrent)
    if rates(costs, traffic, high).time_per_output_token_seconds > tpot_seconds:
        for _ in range(30):
            middle = (low + high) / 2
            inside = rates(costs, traffic, middle).time_per_output_token_seconds <= tpot_seconds
            low, high = (middle, high) if inside else (low, middle)
        high = low
    step = costs.step_seconds(high, high, high * traffic.resident_tokens)
    full = rates(costs, traffic, high)
    # What the prompts cost on top of a batch that decodes anyway.
    prompt_seconds = max(1e-9, full.time_per_output_token_seconds - step) / max(
        1e-9, high / max(1.0, traffic.output_tokens)
    )
    alone = costs.token_seconds * traffic.input_tokens + costs.attention_pair_seconds * traffic.input_tokens**2 / 2
    measured = Capacity(high, traffic.input_tokens / max(prompt_seconds, alone / 2), high / step)
    replica = Replica(costs, most_concurrent, max_num_batched_tokens, traffic, variation or Variation())
    edge = most_load(replica, Promise(ttft_seconds, tpot_seconds, share))
    load = edge.requests_per_second * measured.share(traffic.input_tokens, traffic.output_tokens)
    return replace(
        measured,
        within_slo=load,
        requests_per_second=edge.requests_per_second,
        share_in_slo=edge.share,
        share_alone=edge.alone,
        step_times=step_times(replica),
    )


def decide(
    what: Capacity,
    cold_start_seconds: float,
    min_replicas: int,
    max_replicas: int,
    tuning: Tuning | None = None,
    *,
    scrape_seconds: int = 15,
) -> ScalingDecision:
    """The policy for replicas with this capacity that take so long to start."""
    tuned = tuning or tuning_for()
    lead = ceil(cold_start_seconds * tuned.lead_cold_starts)
    quick = _quickness(what)
    down_cold_starts = _between(tuned.slow_down_cold_starts, tuned.down_cold_starts, quick)
    window = min(LONGEST_WINDOW_SECONDS, ceil(cold_start_seconds * down_cold_starts / 60) * 60)
    rate_seconds = _rate_seconds(what, cold_start_seconds, tuned)
    # By how much chance moves the load that one window shows: √(1 + variation²) per √request.
    chance = sqrt((1 + REQUEST_VARIATION**2) * what.within_slo / (what.requests_per_second * rate_seconds))
    return ScalingDecision(
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        demand=Demand(
            capacity=what,
            utilization=_between(tuned.slow_slo_load, tuned.slo_load, quick) * what.within_slo,
            rate_seconds=rate_seconds,
            trend_seconds=tuned.trend_seconds,
            lead_seconds=lead,
            slack_replicas=_between(tuned.slow_slack, tuned.slack, quick) * chance / what.within_slo,
            spread_factor=tuned.spread_factor,
            spread_allowed=tuned.spread_allowed * chance,
            spread_seconds=tuned.spread_seconds,
            scrape_seconds=scrape_seconds,
            usual_seconds=tuned.usual_seconds,
            spread_share=tuned.spread_share,
            learning=learning(what, quick) if tuned.learns else None,
        ),
        up=Direction(0, 4, 100, 15),
        down=Direction(window, 1, 10, 60),
    )


def _quickness(what: Capacity) -> float:
    """0 for a replica of few requests per second, 1 for one of many, in between by the logarithm."""
    return min(1.0, log(max(what.requests_per_second, SLOW) / SLOW) / log(QUICK / SLOW))


def _between(slow: float, quick: float, quickness: float) -> float:
    return slow + (quick - slow) * quickness


def _rate_seconds(what: Capacity, cold_start_seconds: float, tuned: Tuning) -> int:
    """Long enough to see `rate_requests` of each replica: slow ones see few, and chance would steer them.

    At most half a cold start, which is late already.
    """
    seconds = ceil(tuned.rate_requests / what.requests_per_second / 15) * 15
    return max(tuned.rate_seconds, min(seconds, int(cold_start_seconds / 2)))
