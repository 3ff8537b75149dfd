"""How replicas follow load: the default policy, derived from what one replica can do.

`decide` answers metrics, targets and behavior of an HPA (or of KEDA, which makes an HPA). The simulator runs the
answer and a component can render it: the demand is a Prometheus recording rule, in replicas. docs/autoscaling.md says
how it was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, sqrt

from planning.throughput.roofline import StepCosts, Traffic, rates
from planning.throughput.slo_load import Promise, Replica, Variation, most_load

PROMPT_SERIES = "vllm:prompt_tokens_total"
OUTPUT_SERIES = "vllm:generation_tokens_total"
RUNNING_SERIES = "vllm:num_requests_running"
WAITING_SERIES = "vllm:num_requests_waiting"
LOAD_RULE = "vllm_on_eks:load:replicas"
EXPECTED_RULE = "vllm_on_eks:expected:replicas"
DEMAND_RULE = "vllm_on_eks:demand:replicas"
LONGEST_WINDOW_SECONDS = 3600
REQUEST_VARIATION = 0.8  # of the work in a request, standard deviation ÷ mean (Azure's traces: 0.7 to 1.0)


@dataclass(frozen=True)
class Capacity:
    """What one replica does on average within its SLO: requests at once, and tokens per second if it did nothing else.

    `within_slo`: the share of that load at which still enough single requests hold their SLO, arriving at random.
    `requests_per_second`: at that load. `share_in_slo`: estimated there; `share_alone`: of requests without company.
    """

    concurrency: float
    prompt_tokens_per_second: float
    output_tokens_per_second: float
    within_slo: float = 1.0
    requests_per_second: float = 1.0
    share_in_slo: float = 1.0
    share_alone: float = 1.0

    def share(self, prompt_rate: float, output_rate: float) -> float:
        """Replicas' time per second that these token rates take."""
        return prompt_rate / self.prompt_tokens_per_second + output_rate / self.output_tokens_per_second


@dataclass(frozen=True)
class Demand:
    """The recording rules' parameters; `utilization` is the share of a replica that is planned to be busy.

    A rate needs a sample before its window, so PromQL's ranges are a scrape longer than `rate_seconds`.

    `slack_replicas` × √load is added: random arrivals need more room, relatively, on a small pool. So is
    `spread_factor` × what the standard deviation of the load over `spread_seconds` exceeds `spread_allowed` × √load by:
    Poisson arrivals stay below that, and bursts that came will come again.
    """

    capacity: Capacity
    utilization: float
    rate_seconds: int
    trend_seconds: int
    lead_seconds: int
    slack_replicas: float
    spread_factor: float
    spread_allowed: float
    spread_seconds: int
    season_seconds: int
    season_lead_seconds: int
    scrape_seconds: int = 15

    def load(self, prompt_rate: float, output_rate: float, in_flight: float) -> float:
        """Replicas that are busy now: by token rates or by requests in flight, whichever says more."""
        return max(self.capacity.share(prompt_rate, output_rate), in_flight / self.capacity.concurrency)

    def replicas(self, expected_load: float, spread: float = 0.0) -> float:
        """Replicas that carry this load with room for chance; `spread`: the load's standard deviation of late."""
        root = sqrt(max(0.0, expected_load))
        room = self.slack_replicas * root + self.spread_factor * max(0.0, spread - self.spread_allowed * root)
        return expected_load / self.utilization + room

    def rules(self, selector: str, recorded: str = "") -> dict[str, str]:
        """The recording rules as PromQL, in the order of evaluation.

        `selector` picks the model's pods, as in `namespace="models",job="models/llama"`; `recorded` what was recorded
        for it, as in `namespace="models",service="llama"`. tests/planning/test_promql.py has promtool compute them.
        """
        rate, between = f"[{self.rate_seconds}s]", f"[{self.rate_seconds + self.scrape_seconds}s]"
        tokens = (
            f"sum(rate({PROMPT_SERIES}{{{selector}}}{between})) / {self.capacity.prompt_tokens_per_second:.1f} + "
            f"sum(rate({OUTPUT_SERIES}{{{selector}}}{between})) / {self.capacity.output_tokens_per_second:.1f}"
        )
        flight = (
            f"(sum(avg_over_time({RUNNING_SERIES}{{{selector}}}{rate})) + "
            f"sum(avg_over_time({WAITING_SERIES}{{{selector}}}{rate}))) / {self.capacity.concurrency:.1f}"
        )
        matchers = f"{{{recorded}}}" if recorded else ""
        load, expected = f"{LOAD_RULE}{matchers}", f"max({EXPECTED_RULE}{matchers})"
        trend = f"max({load}) + clamp_min(max(deriv({load}[{self.trend_seconds}s])), 0) * {self.lead_seconds}"
        if self.season_lead_seconds:
            offset = self.season_seconds - self.season_lead_seconds
            # Of yesterday only while there is a today: without pods nothing is said, and the HPA holds what it has.
            yesterday = f"max(max_over_time({load}[{self.season_lead_seconds}s] offset {offset}s))"
            trend = _greatest(trend, f"{yesterday} and max({load})")
        spread = f"max(stddev_over_time({load}[{self.spread_seconds}s]))"
        return {
            LOAD_RULE: _greatest(tokens, flight),
            EXPECTED_RULE: trend,
            DEMAND_RULE: f"{expected} / {self.utilization:g} + {self.slack_replicas:g} * sqrt({expected}) + "
            f"{self.spread_factor:g} * clamp_min({spread} - {self.spread_allowed:g} * sqrt({expected}), 0)",
        }


def _greatest(one: str, other: str) -> str:
    """PromQL of the greater of two numbers, or of the one that is there: `or` alone would always take the first."""
    return f'max(label_replace({one}, "of", "one", "", "") or label_replace({other}, "of", "other", "", ""))'


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
    """The constants that traces were tried for (docs/autoscaling.md)."""

    name: str = "default"
    slo_load: float = 0.88
    slack: float = 0.75
    spread_factor: float = 20.0
    spread_allowed: float = 3.5
    spread_seconds: int = 3600
    rate_seconds: int = 30
    rate_requests: float = 30.0
    trend_seconds: int = 600
    lead_cold_starts: float = 1.25
    down_cold_starts: float = 2.5
    season: bool = True


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
    found = Capacity(high, traffic.input_tokens / max(prompt_seconds, alone / 2), high / step)
    replica = Replica(costs, most_concurrent, max_num_batched_tokens, traffic, variation or Variation())
    edge = most_load(replica, Promise(ttft_seconds, tpot_seconds, share))
    load = edge.requests_per_second * found.share(traffic.input_tokens, traffic.output_tokens)
    return replace(
        found,
        within_slo=load,
        requests_per_second=edge.requests_per_second,
        share_in_slo=edge.share,
        share_alone=edge.alone,
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
    tuned = tuning or Tuning()
    lead = ceil(cold_start_seconds * tuned.lead_cold_starts)
    window = min(LONGEST_WINDOW_SECONDS, ceil(cold_start_seconds * tuned.down_cold_starts / 60) * 60)
    rate_seconds = _rate_seconds(what, cold_start_seconds, tuned)
    # By how much chance moves the load that one window shows: √(1 + variation²) per √request.
    chance = sqrt((1 + REQUEST_VARIATION**2) * what.within_slo / (what.requests_per_second * rate_seconds))
    return ScalingDecision(
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        demand=Demand(
            capacity=what,
            utilization=tuned.slo_load * what.within_slo,
            rate_seconds=rate_seconds,
            trend_seconds=tuned.trend_seconds,
            lead_seconds=lead,
            slack_replicas=tuned.slack * chance / what.within_slo,
            spread_factor=tuned.spread_factor,
            spread_allowed=tuned.spread_allowed * chance,
            spread_seconds=tuned.spread_seconds,
            season_seconds=86_400,
            season_lead_seconds=2 * lead if tuned.season else 0,
            scrape_seconds=scrape_seconds,
        ),
        up=Direction(0, 4, 100, 15),
        down=Direction(window, 1, 10, 60),
    )


def _rate_seconds(what: Capacity, cold_start_seconds: float, tuned: Tuning) -> int:
    """Long enough to see `rate_requests` of each replica: slow ones see few, and chance would steer them.

    At most half a cold start, which is late already.
    """
    wanted = ceil(tuned.rate_requests / what.requests_per_second / 15) * 15
    return max(tuned.rate_seconds, min(wanted, int(cold_start_seconds / 2)))
