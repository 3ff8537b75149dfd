"""The most load that one replica takes while a share of its requests stays within their SLO: no simulation, no numpy.

Means do not tell it. A prompt's chunk holds up every answer beside it, so the short answers leave the SLO first, by
chance, long before the mean does. What is counted here, for arrivals at random (kube-proxy sends each connection to a
random pod, so a pool's replicas see Poisson arrivals each on its own, however large the pool is):

- time per token: an answer of g further tokens has g × (SLO − a step's decode) seconds to spare; prompts that arrive in
  its life take theirs, a compound Poisson sum, though never more than one chunk per step;
- first token: the wait for the prompts before it, as in an M/G/1 queue, and its own chunks;
- room: more requests at once than the batch or the KV cache hold.

Checked against the kernel in tests/simulation/test_slo_load.py; docs/autoscaling.md has the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil, erfc, exp, log, sqrt

from planning.throughput.roofline import FRONTEND_SECONDS, StepCosts, Traffic

# A length's distribution as values at these shares of it, finer at both ends: the shortest answers and the longest
# prompts are the first to leave the SLO.
_EDGES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def _deviate(share: float) -> float:
    """The standard normal's quantile, below its middle; statistics.NormalDist takes longer to import than all this."""
    low, high = -9.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if erfc(-middle / sqrt(2)) / 2 < share else (low, middle)
    return low


_BELOW = tuple(high - low for low, high in pairwise(_EDGES))
SHARES = (*_BELOW, *reversed(_BELOW))
_LOWER = tuple(_deviate((low + high) / 2) for low, high in pairwise(_EDGES))
_DEVIATES = (*_LOWER, *(-bound for bound in reversed(_LOWER)))
_BISECTIONS = 7  # of a factor of two: to a half percent
_FEWEST_SEQUENCES = 1e-4
_LEAST_ALONE = 0.5
_MANY_JUMPS = 6.0  # above this a sum of jumps is taken as one lognormal
_ALONE = 1e-5  # requests per second at which none meets another


@dataclass(frozen=True)
class Promise:
    """Seconds to the first token, mean seconds per further token, and the share of requests that must hold both."""

    ttft_seconds: float = 2.0
    tpot_seconds: float = 0.1
    share: float = 0.99


@dataclass(frozen=True)
class Variation:
    """Standard deviation ÷ mean of prompt and answer lengths; the defaults are Azure's conversation trace's."""

    input_tokens: float = 0.96
    output_tokens: float = 0.77


@dataclass(frozen=True)
class SloLoad:
    """A replica at the edge of its SLO: requests per second, the share that then holds it, and what lone ones get."""

    requests_per_second: float
    share: float
    alone: float


@dataclass(frozen=True)
class Replica:
    """What the estimate is made for; `most_at_once`: requests that batch and KV cache hold."""

    costs: StepCosts
    most_at_once: float
    max_num_batched_tokens: int
    traffic: Traffic
    variation: Variation

    @cached_property
    def inputs(self) -> list[float]:
        """Prompt lengths, tokens, as likely as `SHARES` says."""
        return _lengths(self.traffic.input_tokens, self.variation.input_tokens)

    @cached_property
    def outputs(self) -> list[float]:
        """Answer lengths, tokens, as likely as `SHARES` says."""
        return _lengths(self.traffic.output_tokens, self.variation.output_tokens)

    def decode_seconds(self, batch: float) -> float:
        """A step that only decodes."""
        return self.costs.step_seconds(batch, batch, batch * self.resident_tokens)

    @property
    def resident_tokens(self) -> float:
        """What a decoding request holds of the KV cache, at a random time: long answers are met more often."""
        met = self.traffic.output_tokens * (1 + self.variation.output_tokens**2) / 2
        return self.traffic.input_tokens + met

    def chunk_seconds(self, tokens: float, batch: float) -> float:
        """What a chunk of a prompt adds to a step that decodes anyway: nothing while reading weights takes longer."""
        costs = self.costs
        return costs.linear_seconds(batch + tokens) - costs.linear_seconds(batch) + costs.sequence_seconds

    def prompt_seconds(self, batch: float) -> list[float]:
        """What a prompt of each length of `inputs` adds to the steps that it is computed in."""
        costs = self.costs
        chunk = max(1.0, self.max_num_batched_tokens - batch)
        chunk_seconds, alone = self.chunk_seconds(chunk, batch), costs.linear_seconds(batch)
        by_batch = []
        for tokens in self.inputs:  # thousands of times per estimate: what is the same for all is not asked again
            full = int(tokens // chunk)
            rest = tokens - full * chunk
            seconds = full * chunk_seconds
            if rest:
                seconds += costs.linear_seconds(batch + rest) - alone + costs.sequence_seconds
            by_batch.append(seconds + costs.attention_pair_seconds * tokens * tokens / 2)
        return by_batch


@dataclass(frozen=True)
class Steady:
    """Steady state at a rate: decoding requests, seconds a prompt takes by length, mean seconds per step."""

    rate: float
    batch: float
    prompts: list[float]
    waits: float  # mean seconds before a prompt's first chunk
    busy: float  # share of the time that prompts take in a backlog
    residual: float  # mean seconds left of the work in progress, as seen by an arrival that waits


def most_load(replica: Replica, promise: Promise) -> SloLoad:
    """The largest rate that keeps the promise, by bisection on the estimate; a few milliseconds.

    Requests that miss it even alone on a replica are not helped by more replicas: where they use up what may miss,
    company may cost half as many again, so that the others do not pay for them without end. Where hardly anybody keeps
    it alone there is nothing to keep: half of what the replica does at all.
    """
    may_miss = 1 - promise.share
    alone = share_in_slo(replica, promise, _ALONE)
    if alone < _LEAST_ALONE:
        return SloLoad(_most_rate(replica) / 2, 0.0, alone)
    share = alone - max(alone - promise.share, max(may_miss, 1 - alone) / 2)
    high = _most_rate(replica)
    low = high / 2
    while low > _ALONE and share_in_slo(replica, promise, low) < share:
        low, high = low / 2, low
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if share_in_slo(replica, promise, middle) >= share:
            low = middle
        else:
            high = middle
    return SloLoad(low, share_in_slo(replica, promise, low), alone)


def share_in_slo(replica: Replica, promise: Promise, rate: float) -> float:
    """Estimated share of requests that keep both times when they arrive at that rate, at random."""
    state = steady(replica, rate)
    if state is None:
        return 0.0
    misses = _misses_first(replica, promise, state) + _misses_others(replica, promise, state)
    room = (replica.most_at_once - state.batch) / sqrt(max(1.0, state.batch))
    return max(0.0, 1.0 - misses - erfc(room / sqrt(2)) / 2)


def steady(replica: Replica, rate: float) -> Steady | None:
    """The state that a rate settles in; None where prompts alone, or they and the decodes, take all the time."""
    gaps = max(0.0, replica.traffic.output_tokens - 1)
    batch = max(_FEWEST_SEQUENCES, rate * gaps * replica.decode_seconds(1))
    for _ in range(40):
        prompts = replica.prompt_seconds(batch)
        left = 1 - rate * _mean(prompts)
        if left <= 0 or batch > replica.most_at_once:
            return None
        then = max(_FEWEST_SEQUENCES, rate * gaps * replica.decode_seconds(batch) / left)
        close = abs(then - batch) <= 2e-3 * batch
        batch = then
        if close:
            break
    step = replica.decode_seconds(batch)
    chunk = max(1.0, replica.max_num_batched_tokens - batch)
    # In a backlog steps are full: a prompt takes its share of one, the decodes beside it included.
    served = [work + step * tokens / chunk for work, tokens in zip(prompts, replica.inputs, strict=True)]
    busy = rate * _mean(served)
    if busy >= 1:
        return None
    residual = _mean([load * load for load in served]) / (2 * _mean(served))
    return Steady(rate, batch, prompts, busy * residual / (1 - busy) + step / 2, busy, residual)


def _misses_first(replica: Replica, promise: Promise, state: Steady) -> float:
    """Share of requests whose first token comes late."""
    step = replica.decode_seconds(state.batch)
    chunk = max(1.0, replica.max_num_batched_tokens - state.batch)
    late, costs = 0.0, replica.costs
    for work, tokens, share in zip(state.prompts, replica.inputs, SHARES, strict=True):
        own = work + step * (ceil(tokens / chunk) + 0.5) + costs.fill_seconds(min(tokens, chunk)) + FRONTEND_SECONDS
        spare = promise.ttft_seconds - own
        late += share * (1.0 if spare <= 0 else state.busy * exp(-spare * (1 - state.busy) / state.residual))
    return late


def _misses_others(replica: Replica, promise: Promise, state: Steady) -> float:
    """Share of requests whose further tokens come too slowly on average."""
    step = replica.decode_seconds(state.batch)
    spare_per_step = promise.tpot_seconds - step
    chunk = max(1.0, replica.max_num_batched_tokens - state.batch)
    pairs = replica.costs.attention_pair_seconds * chunk * replica.traffic.input_tokens
    if spare_per_step <= 0:
        return 1.0
    # A step takes one chunk at most, however many prompts wait.
    spare_beside_chunk = spare_per_step - replica.chunk_seconds(chunk, state.batch) - pairs
    mean = _mean(state.prompts)
    variance = _mean([prompt * prompt for prompt in state.prompts]) - mean * mean
    # A batch that is larger than usual slows every step, for about as long as an answer lives.
    growth = replica.decode_seconds(state.batch + 1) - step
    lived = state.batch / state.rate
    late = 0.0
    before = mean + state.waits + step  # behind the request's own prompt others may already wait
    for output, share in zip(replica.outputs, SHARES, strict=True):
        gaps = max(0.0, round(output) - 1)
        if gaps < 1:
            continue
        life = gaps * promise.tpot_seconds
        wobble = growth * growth * state.batch * min(1.0, 2 * lived / life)
        jumps = state.rate * (life + before)
        misses = 1 - _within(jumps, state.prompts, (mean, variance), gaps * spare_per_step, gaps * gaps * wobble)
        if spare_beside_chunk > 0:
            misses = min(misses, erfc(spare_beside_chunk / sqrt(2 * wobble)) / 2)
        late += share * misses
    return late


def _within(
    expected: float, jumps: Sequence[float], moments: tuple[float, float], limit: float, wobble: float
) -> float:
    """P(a Poisson number of jumps with that mean adds up to at most `limit`), `wobble` more variance beside."""
    mean, variance = moments
    if expected > _MANY_JUMPS:
        return _lognormal_cdf(expected * mean, expected * (mean * mean + variance) + wobble, limit)
    chance = exp(-expected)
    total = chance
    for count in range(1, ceil(expected + 4 * sqrt(expected)) + 3):
        chance *= expected / count
        if count == 1:
            total += chance * sum(share for jump, share in zip(jumps, SHARES, strict=True) if jump <= limit)
        else:
            total += chance * _lognormal_cdf(count * mean, count * variance + wobble, limit)
    return min(1.0, total)


def _lognormal_cdf(mean: float, variance: float, limit: float) -> float:
    if limit <= 0 or mean <= 0:
        return float(limit >= mean)
    sigma = sqrt(log(1 + variance / (mean * mean)))
    if sigma < 1e-9:
        return float(mean <= limit)
    middle = log(mean) - sigma * sigma / 2
    return erfc((middle - log(limit)) / (sigma * sqrt(2))) / 2


def _lengths(mean: float, variation: float) -> list[float]:
    """A lognormal at the middles of `SHARES`, scaled so that their mean is the mean."""
    sigma = sqrt(log(1 + variation * variation))
    drawn = [exp(sigma * deviate) for deviate in _DEVIATES]
    return [max(1.0, length * mean / _mean(drawn)) for length in drawn]


def _mean(values: Sequence[float]) -> float:
    """Of values that are as likely as `SHARES` says."""
    return sum([value * share for value, share in zip(values, SHARES, strict=True)])


def _most_rate(replica: Replica) -> float:
    """A rate that no replica exceeds: its prompts or its decodes alone would take all of its time."""
    prompt = _mean(replica.prompt_seconds(1.0))
    answer = replica.traffic.output_tokens * replica.decode_seconds(replica.most_at_once) / replica.most_at_once
    return 1.0 / max(1e-9, prompt, answer)
