"""`fit --at-once N`: what N requests get that come at the same moment, as a benchmark sends them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import Gpu
from planning.throughput.burst import BurstRates, burst
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import replica_rates

MOST_REQUESTS = 100_000


def of_equal_requests(
    model: Architecture, engine: EngineConfig, gpu: Gpu, traffic: Traffic, kv_cache_tokens: float, count: int
) -> BurstRates:
    """All of the mean lengths, rounded; raises ValueError where the cache never holds one."""
    rates = replica_rates(model, engine, gpu, traffic, kv_cache_tokens)
    lengths = (max(1, round(traffic.input_tokens)), max(1, round(traffic.output_tokens)))
    return burst(rates, [lengths] * count)


def as_json(rates: BurstRates | None) -> dict[str, Any] | None:
    """The fields of BurstRates, rounded; None where no burst was asked for."""
    if rates is None:
        return None
    return {name: round(value, 4) for name, value in asdict(rates).items()}


def words(rates: BurstRates) -> str:
    """One line for people."""
    again = f", {rates.preempted} preempted" if rates.preempted else ""
    mean, last = rates.mean_time_to_first_token_seconds, rates.last_time_to_first_token_seconds
    return (
        f"{rates.requests:,} at once: {rates.output_tokens_per_second:,.0f} tokens/s out over {rates.seconds:.3g} s, "
        f"first token after {mean:.2g} s on average and {last:.2g} s at most, then "
        f"{rates.mean_time_per_output_token_seconds * 1000:.0f} ms per token; "
        f"{rates.most_at_once:,} ran together{again}"
    )
