"""What one replica carries, and the recording rules that say how many replicas the load needs. Values of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from planning.model.learning import LEARNED_RULE, STEPS_SERIES, Learning, StepTimes

PROMPT_SERIES = "vllm:prompt_tokens_total"
OUTPUT_SERIES = "vllm:generation_tokens_total"
RUNNING_SERIES = "vllm:num_requests_running"
WAITING_SERIES = "vllm:num_requests_waiting"
LOAD_RULE = "vllm_on_eks:load:replicas"
EXPECTED_RULE = "vllm_on_eks:expected:replicas"
DEMAND_RULE = "vllm_on_eks:demand:replicas"
TRUST_POWER = 1.5


@dataclass(frozen=True)
class Capacity:
    """What one replica does on average within its SLO."""

    concurrency: float
    """Requests at once."""
    prompt_tokens_per_second: float
    """If it did nothing else."""
    output_tokens_per_second: float
    """If it did nothing else."""
    within_slo: float = 1.0
    """Share of that load at which enough single requests still hold their SLO, arriving at random."""
    requests_per_second: float = 1.0
    """At that load."""
    share_in_slo: float = 1.0
    """Share of requests within the SLO at that load, estimated."""
    share_alone: float = 1.0
    """The same of requests without company."""
    step_times: StepTimes | None = None
    """What its engine's steps take; None: not to be held against the live engine."""

    def share(self, prompt_rate: float, output_rate: float) -> float:
        """Replicas' time per second that these token rates take."""
        return prompt_rate / self.prompt_tokens_per_second + output_rate / self.output_tokens_per_second


@dataclass(frozen=True)
class Demand:
    """Parameters of the recording rules.

    A rate needs a sample before its window, so PromQL's ranges are one scrape longer than `rate_seconds`. The error of
    a slope falls with samples^1.5, so a trend counts by that power of its samples ÷ half a window's, at most whole: two
    samples say anything, and a new model has no more.

    Random arrivals need relatively more room on a small pool: `slack_replicas` × √load is added. Where traffic is made
    of bursts more will come: `spread_factor` × what the load's standard deviation exceeds `spread_allowed` × √load +
    `spread_share` × load by is added too.
    """

    capacity: Capacity
    utilization: float
    """Share of a replica that is planned to be busy."""
    rate_seconds: int
    trend_seconds: int
    lead_seconds: int
    slack_replicas: float
    spread_factor: float
    spread_allowed: float
    """Poisson arrivals stay below it."""
    spread_seconds: int
    """Window of the standard deviation."""
    scrape_seconds: int = 15
    usual_seconds: int = 900
    """The load counts as no less than its mean over this window: what is below it is chance."""
    spread_share: float = 0.0
    """Noise by the minute and a single burst stay below it."""
    learning: Learning | None = None
    """None: the plan's word on what a replica carries stands."""

    @property
    def trend_samples(self) -> int:
        """Recorded values, one a scrape, with which a trend counts whole: half a window's."""
        return max(1, self.trend_seconds // (2 * self.scrape_seconds))

    def trust(self, samples: int) -> float:
        """How much of a trend of so many samples counts."""
        return float(min(1.0, samples / self.trend_samples) ** TRUST_POWER)

    def load(self, prompt_rate: float, output_rate: float, in_flight: float) -> float:
        """Replicas that are busy now: by token rates or by requests in flight, whichever says more."""
        return max(self.capacity.share(prompt_rate, output_rate), in_flight / self.capacity.concurrency)

    def expected(self, load: float, usual: float, rise: float) -> float:
        """What is to be carried: the load now, or what it usually is where that is more, and its rise."""
        return max(load, usual) + rise

    def replicas(self, expected_load: float, spread: float = 0.0) -> float:
        """Replicas that carry this load with room for chance; `spread`: the load's standard deviation of late."""
        load = max(0.0, expected_load)
        root = sqrt(load)
        allowed = self.spread_allowed * root + self.spread_share * load
        room = self.slack_replicas * root + self.spread_factor * max(0.0, spread - allowed)
        return load / self.utilization + room

    def rules(self, selector: str, recorded: str = "") -> dict[str, str]:
        """The recording rules as PromQL, in the order of evaluation.

        `selector` picks the model's pods, as in `namespace="models",job="models/llama"`; `recorded` what was recorded
        for it, as in `namespace="models",service="llama"`. tests/planning/test_promql.py has promtool compute them.
        """
        rate, between = f"[{self.rate_seconds}s]", f"[{self.rate_seconds + self.scrape_seconds}s]"
        prompts, outputs, steps = (
            f"sum(rate({series}{{{selector}}}{between}))" for series in (PROMPT_SERIES, OUTPUT_SERIES, STEPS_SERIES)
        )
        tokens = (
            f"{prompts} / {self.capacity.prompt_tokens_per_second:.1f} + "
            f"{outputs} / {self.capacity.output_tokens_per_second:.1f}"
        )
        flight = (
            f"(sum(avg_over_time({RUNNING_SERIES}{{{selector}}}{rate})) + "
            f"sum(avg_over_time({WAITING_SERIES}{{{selector}}}{rate}))) / {self.capacity.concurrency:.1f}"
        )
        matchers = f"{{{recorded}}}" if recorded else ""
        load, expected = f"{LOAD_RULE}{matchers}", f"max({EXPECTED_RULE}{matchers})"
        # The greater of two, and nothing where there is no load now.
        short = f"clamp_min(max(avg_over_time({load}[{self.usual_seconds}s])) - max({load}), 0)"
        recent = f"{load}[{self.trend_seconds}s]"
        rise = f"clamp_min(max(deriv({recent})), 0) * {self.lead_seconds}"
        trust = f"clamp_max(max(count_over_time({recent})) / {self.trend_samples}, 1) ^ {TRUST_POWER:g}"
        spread = f"max(stddev_over_time({load}[{self.spread_seconds}s]))"
        carried = f"max({load}) + {short} + ({rise} * {trust} or vector(0))"
        learned: dict[str, str] = {}
        if self.learning is not None:
            running = f"{RUNNING_SERIES}{{{selector}}}"
            learned = self.learning.rules(running, (prompts, outputs, steps), matchers, self.scrape_seconds)
            factor = f"(max({LEARNED_RULE}{matchers}) or vector(1))"
            carried, spread = f"({carried}) * {factor}", f"{spread} * {factor}"
        return {
            LOAD_RULE: _greatest(tokens, flight),
            **learned,
            EXPECTED_RULE: carried,
            DEMAND_RULE: f"{expected} / {self.utilization:g} + {self.slack_replicas:g} * sqrt({expected}) + "
            f"{self.spread_factor:g} * clamp_min({spread} - {self.spread_allowed:g} * sqrt({expected}) - "
            f"{self.spread_share:g} * {expected}, 0)",
        }


def _greatest(one: str, other: str) -> str:
    """PromQL of the greater of two numbers, or of the one that is there: `or` alone would always take the first."""
    return f'max(label_replace({one}, "of", "one", "", "") or label_replace({other}, "of", "other", "", ""))'
