"""Whether a smaller chunk of prompts per step would let a replica carry more within its SLO, and which.

vLLM computes up to `--max-num-batched-tokens` of waiting prompts in one step, and every running answer waits for it. On
a slow GPU one such step takes longer than users were promised between tokens. As long as reading the weights takes
longer than multiplying the chunk, the chunk costs nothing: smaller steps then lose little of the prompts' speed.
docs/autoscaling.md has what the simulator says of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from planning.findings import Findings
from planning.scaling.policy import capacity
from planning.throughput.serving_rates import ServingRates
from planning.throughput.slo_load import Promise
from settings.models import Model

SMALLEST_CHUNK = 128
MOST_TIMES_SMALLER = 8
LEAST_GAIN_TO_ADVISE = 1.25


@dataclass(frozen=True)
class ChunkAdvice:
    """Requests per second that a replica holds within its SLO, as it is and with that many tokens per step.

    `step_seconds`: what a step full of prompt takes as it is.
    """

    tokens: int
    step_seconds: float
    requests_per_second: float
    advised_requests_per_second: float


@lru_cache(maxsize=256)
def chunk_advice(rates: ServingRates, promise: Promise) -> ChunkAdvice | None:
    """The best power of two below the present chunk, to an eighth of it; None where it brings no quarter more."""
    tokens = rates.max_num_batched_tokens
    step = rates.costs.step_seconds(tokens, 1, 0.0, tokens * tokens / 2)
    if step <= promise.tpot_seconds:
        return None
    now = _rate(rates, promise)
    best, rate = tokens, now
    chunk = 1 << (tokens - 1).bit_length() >> 1
    while chunk >= max(SMALLEST_CHUNK, rates.max_num_seqs, tokens // MOST_TIMES_SMALLER):
        smaller = _rate(replace(rates, max_num_batched_tokens=chunk), promise)
        if smaller > rate:
            best, rate = chunk, smaller
        chunk //= 2
    return ChunkAdvice(best, step, now, rate) if rate >= LEAST_GAIN_TO_ADVISE * now else None


def check_chunk(model: Model, rates: ServingRates | None, path: str, findings: Findings) -> None:
    """A warning where a smaller chunk is worth it; nothing unless traffic or an SLO is declared."""
    if rates is None or (model.traffic is None and "slo" not in model.model_fields_set):
        return
    slo = model.slo
    promise = Promise(slo.time_to_first_token_seconds, slo.time_per_output_token_seconds, slo.share)
    advice = chunk_advice(rates, promise)
    if advice is None:
        return
    findings.warning(
        f"{path}.extraArgs",
        "prompt-chunk",
        f"a step with {rates.max_num_batched_tokens} prompt tokens takes about {advice.step_seconds:.2g} s, and every "
        f"answer beside it waits, though {slo.time_per_output_token_seconds:g} s per token are promised: within the "
        f"SLO a replica holds about {advice.requests_per_second:.2g} requests/s, with "
        f"--max-num-batched-tokens={advice.tokens} about {advice.advised_requests_per_second:.2g} (estimated)",
        f"write extraArgs: [--max-num-batched-tokens={advice.tokens}]",
    )


def _rate(rates: ServingRates, promise: Promise) -> float:
    return capacity(
        rates.costs,
        rates.most_concurrent,
        rates.traffic,
        promise.ttft_seconds,
        promise.tpot_seconds,
        max_num_batched_tokens=rates.max_num_batched_tokens,
        share=promise.share,
    ).requests_per_second
