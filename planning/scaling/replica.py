"""What one replica does, as the plan, `fit` and `recommend` tell it: saturated, within its SLO, and idle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from planning.model import ThroughputPlan
from planning.model.demand import Capacity
from planning.scaling.policy import capacity, decide, tuning_for
from planning.throughput.roofline import FRONTEND_SECONDS, Rates, StepCosts, Traffic, rates
from planning.throughput.serving_rates import ServingRates
from planning.throughput.slo_load import Promise

# Goal and outcome of the comparison with public runs (docs/throughput-model.md).
RANGE_FACTOR = 1.3
# Where fewer of the requests hold the SLO on a replica of their own, no number of replicas is a plan.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Load:
    """Requests per second of the busiest hour, and what decides how many replicas carry them."""

    requests_per_second: float
    cold_start_seconds: float
    min_replicas: int
    max_replicas: int
    shape: str = "diurnal"


def throughput(serving_rates: ServingRates, promise: Promise, load: Load | None = None) -> ThroughputPlan:
    """The rates of one replica; `load` None: no traffic is declared."""
    costs, traffic = serving_rates.costs, serving_rates.traffic
    full = rates(costs, traffic, serving_rates.most_concurrent)
    what = replica_capacity(serving_rates, promise.ttft_seconds, promise.tpot_seconds, promise.share)
    reachable = what.share_alone >= LEAST_SHARE
    return ThroughputPlan(
        input_tokens=round(traffic.input_tokens, 1),
        output_tokens=round(traffic.output_tokens, 1),
        declared=serving_rates.declared,
        concurrency=round(full.concurrency, 1),
        requests_per_second=round(full.requests_per_second, 3),
        output_tokens_per_second=round(full.output_tokens_per_second, 1),
        total_tokens_per_second=round(full.total_tokens_per_second, 1),
        time_per_output_token_seconds=round(full.time_per_output_token_seconds, 4),
        limited_by=full.limited_by,
        slo_requests_per_second=round(what.requests_per_second, 3) if reachable else 0.0,
        slo_share=round(what.share_in_slo, 4),
        slo_share_alone=round(what.share_alone, 4),
        idle_time_to_first_token_seconds=round(
            idle_first_token_seconds(costs, traffic.input_tokens, serving_rates.max_num_batched_tokens), 3
        ),
        idle_time_per_output_token_seconds=round(costs.step_seconds(1, 1, traffic.resident_tokens), 4),
        prefill_tokens_per_second=round(prefill_tokens_per_second(costs, serving_rates.max_num_batched_tokens), 1),
        replicas_needed=replicas_for(what, traffic, load) if load is not None and reachable else None,
        range_factor=RANGE_FACTOR,
    )


@lru_cache(maxsize=1024)
def replica_capacity(
    serving_rates: ServingRates, ttft_seconds: float, tpot_seconds: float, share: float = Promise.share
) -> Capacity:
    """The scaling policy's view of the same replica. It takes milliseconds, and a stack's models are often alike."""
    return capacity(
        serving_rates.costs,
        serving_rates.most_concurrent,
        serving_rates.traffic,
        ttft_seconds,
        tpot_seconds,
        max_num_batched_tokens=serving_rates.max_num_batched_tokens,
        share=share,
    )


def replicas_for(what: Capacity, traffic: Traffic, load: Load) -> int:
    """Replicas that the scaling policy wants at a steady load of that size, without regard to its bounds."""
    decision = decide(what, load.cold_start_seconds, load.min_replicas, load.max_replicas, tuning_for(load.shape))
    return max(1, ceil(decision.demand.replicas(busy_replicas(what, traffic, load.requests_per_second)) - 1e-9))


def busy_replicas(what: Capacity, traffic: Traffic, requests_per_second: float) -> float:
    """The load as the policy counts it: replicas' time that these requests take."""
    return what.share(requests_per_second * traffic.input_tokens, requests_per_second * traffic.output_tokens)


def rates_at(serving_rates: ServingRates, requests_per_second: float) -> Rates:
    """The steady state at that rate; saturated where it is more than the replica does."""
    low, high = 1e-6, serving_rates.most_concurrent
    for _ in range(40):
        middle = (low + high) / 2
        enough = rates(serving_rates.costs, serving_rates.traffic, middle).requests_per_second >= requests_per_second
        low, high = (low, middle) if enough else (middle, high)
    return rates(serving_rates.costs, serving_rates.traffic, high)


def idle_first_token_seconds(costs: StepCosts, input_tokens: float, max_num_batched_tokens: int) -> float:
    """From request to first token of a prompt that has the replica for itself: its chunks, and the frontend."""
    chunks = max(1, ceil(input_tokens / max_num_batched_tokens))
    size = input_tokens / chunks
    compute = sum(costs.step_seconds(size, 1, size * chunk, size * size * (chunk + 0.5)) for chunk in range(chunks))
    return compute + costs.fill_seconds(size) + FRONTEND_SECONDS


def prefill_tokens_per_second(costs: StepCosts, max_num_batched_tokens: int) -> float:
    """Prompt tokens per second when every step is full of one fresh prompt."""
    tokens = float(max_num_batched_tokens)
    return tokens / costs.step_seconds(tokens, 1, 0.0, tokens * tokens / 2)
