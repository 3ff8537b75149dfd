"""What an engine's steps take by the plan, as a sum over what vLLM counts: steps, prompt tokens, output tokens.

A step's time is not linear in what is in it (reading the weights or multiplying, whichever is longer), so what a prompt
adds is the mean over its lengths, beside one answer. Held against the kernel in tests/simulation/test_learning.py.
"""

from __future__ import annotations

from planning.model.learning import StepTimes
from planning.throughput.slo_load import SHARES, Replica


def step_times(replica: Replica) -> StepTimes:
    """Seconds per step, per output token and per prompt token."""
    costs = replica.costs
    prompts = zip(SHARES, replica.prompt_seconds(1.0), replica.inputs, strict=True)
    seconds, tokens = map(sum, zip(*((share * each, share * length) for share, each, length in prompts), strict=True))
    return StepTimes(
        step=costs.linear_seconds(1),
        output_token=costs.sequence_seconds + costs.cached_token_seconds * replica.resident_tokens,
        prompt_token=seconds / tokens,
    )
