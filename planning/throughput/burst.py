"""Requests that all come at once, as benchmarks send them, step by step: no steady state, no numpy.

A burst has a beginning (nothing but prompts), a middle and a tail of few long answers; the steady formula of
`roofline.rates` knows only the middle. Scheduling is vLLM's: V1 takes the running sequences first, a token each, then
the half-computed prompt, then the queue in order, while step budget, batch and cache allow; V0 computes whole prompts
in steps of their own, before it decodes on. Steps that only decode are taken together. `simulation/kernel.py` does
the same for arrivals over time, with blocks instead of tokens; tests hold the two against each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from planning.throughput.roofline import FRONTEND_SECONDS, StepCosts
from planning.throughput.serving_rates import ServingRates

# Of the last block of a sequence, what is empty on average (block size 16).
_SLACK_TOKENS = 7.5


@dataclass(frozen=True)
class BurstRates:
    """What a burst gets; seconds from its arrival, tokens per second over its whole length."""

    requests: int
    seconds: float
    output_tokens_per_second: float
    requests_per_second: float
    mean_time_to_first_token_seconds: float
    last_time_to_first_token_seconds: float
    mean_time_per_output_token_seconds: float
    most_at_once: int
    preempted: int


@dataclass
class _Request:
    inputs: int
    outputs: int
    generated: int = 0
    sent: float = 0.0
    first: float = -1.0
    done: float = -1.0
    finish_step: int = 0
    # Of a preempted one: tokens that were computed, tokens free beside them, and all that was allocated until then.
    kept: int = 0
    kept_beside: float = 0.0
    kept_since: int = 0

    @property
    def prompt(self) -> int:
        """Tokens to compute before the next can be sampled; more than the input after a preemption."""
        return self.inputs + self.generated


def burst(rates: ServingRates, lengths: Sequence[tuple[int, int]], at_once: int | None = None) -> BurstRates:
    """Requests of those lengths (prompt, answer; tokens), all sent at time 0.

    `at_once`: as the client's limit on requests in flight, the next is sent when one ends. Raises ValueError for no
    request, and for one that the cache never holds.
    """
    if not lengths:
        raise ValueError("a burst has one request or more")
    longest = max(inputs + outputs for inputs, outputs in lengths)
    if longest + _SLACK_TOKENS * 2 > rates.kv_cache_tokens:
        raise ValueError(f"a request of {longest} tokens is more than the cache of {rates.kv_cache_tokens:g} holds")
    state = _Burst(rates, [_Request(max(1, a), max(1, b)) for a, b in lengths], at_once or len(lengths))
    state.run()
    return state.rates()


@dataclass
class _Burst:
    serving: ServingRates
    requests: list[_Request]
    at_once: int
    time: float = 0.0
    step: int = 0
    cached: int = 0
    running: list[_Request] = field(default_factory=list)
    waiting: deque[_Request] = field(default_factory=deque)
    partial: _Request | None = None
    partial_done: int = 0
    next_finish: int = 0
    sent: int = 0
    most: int = 0
    preempted: int = 0
    allocated: int = 0

    @property
    def costs(self) -> StepCosts:
        return self.serving.costs

    @property
    def free(self) -> float:
        """Free tokens of the cache."""
        held = self.cached + _SLACK_TOKENS * len(self.running)
        return self.serving.kv_cache_tokens - held - (self.partial_done if self.partial else 0)

    def run(self) -> None:
        """Every step until the last request has ended."""
        self._send(self.at_once)
        while self.waiting or self.running or self.partial is not None:
            self._make_room()
            chunks = self._chunks()
            if chunks:
                self._mixed_step(chunks)
            else:
                self._decode(self._steps_alone())

    def rates(self) -> BurstRates:
        """Means over all requests."""
        tokens, count = sum(request.outputs for request in self.requests), len(self.requests)
        firsts = [request.first - request.sent + FRONTEND_SECONDS for request in self.requests]
        gaps = [
            (request.done - request.first) / (request.outputs - 1) for request in self.requests if request.outputs > 1
        ]
        return BurstRates(
            requests=count,
            seconds=self.time,
            output_tokens_per_second=tokens / self.time,
            requests_per_second=count / self.time,
            mean_time_to_first_token_seconds=sum(firsts) / count,
            last_time_to_first_token_seconds=max(firsts),
            mean_time_per_output_token_seconds=sum(gaps) / len(gaps) if gaps else 0.0,
            most_at_once=self.most,
            preempted=self.preempted,
        )

    def _send(self, count: int) -> None:
        for request in self.requests[self.sent : self.sent + count]:
            request.sent = self.time
            self.waiting.append(request)
            self.sent += 1

    def _make_room(self) -> None:
        """The youngest go back to the head of the queue while the next token of each has no room."""
        while self.free < len(self.running) and (self.partial is not None or len(self.running) > 1):
            beside = max(0.0, self.free)
            self.preempted += 1
            if self.partial is not None:
                youngest, computed = self.partial, self.partial_done
                self.partial, self.partial_done = None, 0
            else:
                youngest = self.running.pop()
                youngest.generated = youngest.outputs - (youngest.finish_step - self.step)
                computed = youngest.inputs + youngest.generated - 1
                self.cached -= computed
                self._find_next_finish()
            youngest.kept, youngest.kept_beside, youngest.kept_since = computed, beside, self.allocated
            self.waiting.appendleft(youngest)

    def _still_cached(self, request: _Request) -> int:
        """Tokens of a preempted request that were not overwritten: its free blocks are taken last."""
        if not self.serving.caches_prefixes or not request.kept:
            return 0
        overwritten = max(0.0, self.allocated - request.kept_since - request.kept_beside)
        return max(0, min(request.prompt - 1, int(request.kept - overwritten)))

    def _chunks(self) -> list[tuple[_Request, int, int]]:
        """Of which prompts how many tokens are computed now, and how many were before."""
        apart = self.costs.prompts_apart
        budget = self.serving.max_num_batched_tokens - (0 if apart else len(self.running))
        room = self.free - len(self.running)
        chunks: list[tuple[_Request, int, int]] = []
        if self.partial is not None and budget > 0:
            count = min(self.partial.prompt - self.partial_done, budget, max(0, int(room)))
            if count:
                chunks.append((self.partial, count, self.partial_done))
                budget, room = budget - count, room - count
            if self.partial_done + count < self.partial.prompt:
                return chunks
        while self.waiting and budget > 0 and len(self.running) + len(chunks) < self.serving.max_num_seqs:
            request = self.waiting[0]
            before = self._still_cached(request)
            count = request.prompt - before if apart else min(request.prompt - before, budget)
            unchunked = apart or self.serving.admits_whole_prompts
            needed = request.prompt if unchunked else before + count
            if needed + 2 * _SLACK_TOKENS > room or (apart and chunks and count > budget):
                break
            self.waiting.popleft()
            chunks.append((request, count, before))
            budget, room = budget - count, room - before - count - _SLACK_TOKENS
        return chunks

    def _mixed_step(self, chunks: list[tuple[_Request, int, int]]) -> None:
        """Chunks of prompts, and with V1 a token for each sequence that decodes."""
        prompts = sum(count for _, count, _ in chunks)
        pairs = sum(count * before + count * (count + 1) / 2 for _, count, before in chunks)
        decodes = 0 if self.costs.prompts_apart else len(self.running)
        cached = self.cached + decodes if decodes else 0
        self.time += self.costs.padded_seconds(prompts + decodes) + self.costs.sequence_seconds * (
            decodes + len(chunks)
        )
        self.time += self.costs.cached_token_seconds * cached + self.costs.attention_pair_seconds * pairs
        if decodes:
            self.step += 1
            self.cached += decodes
            self._finish()
        self.partial, self.partial_done = None, 0
        self.allocated += prompts + decodes
        for request, count, before in chunks:
            request.kept = 0
            if before + count < request.prompt:
                self.partial, self.partial_done = request, before + count
            else:
                self._start(request)

    def _steps_alone(self) -> int:
        """How many steps decode and nothing else."""
        last = self.next_finish - self.step
        if (
            self.waiting
            and len(self.running) < self.serving.max_num_seqs
            and self.serving.max_num_batched_tokens > len(self.running)
        ):
            return 1 if self.partial is not None else last
        room = int(self.free // max(1, len(self.running)))
        return max(1, min(last, room))

    def _decode(self, steps: int) -> None:
        count = len(self.running)
        if not count:
            raise ValueError("nothing runs and nothing can start: the cache is too small for a request")
        room = max(1, int(self.free // count)) if count > 1 else steps
        steps = max(1, min(steps, room))
        step_seconds = self.costs.padded_seconds(count) + self.costs.sequence_seconds * count
        grown = steps * self.cached + count * steps * (steps + 1) / 2
        self.time += steps * step_seconds + self.costs.cached_token_seconds * grown
        self.step += steps
        self.cached += count * steps
        self.allocated += count * steps
        self._finish()

    def _start(self, request: _Request) -> None:
        """Its prompt is computed: a token is out, and it decodes from the next step on."""
        if request.first < 0:
            request.first = self.time
        request.generated += 1
        if request.generated >= request.outputs:
            request.done = self.time
            self._send(1)
            return
        self.cached += request.prompt - 1
        request.finish_step = self.step + request.outputs - request.generated
        self.running.append(request)
        self.next_finish = min(self.next_finish, request.finish_step) if len(self.running) > 1 else request.finish_step
        self.most = max(self.most, len(self.running))

    def _finish(self) -> None:
        if self.next_finish > self.step or not self.running:
            return
        ended = [request for request in self.running if request.finish_step <= self.step]
        self.running = [request for request in self.running if request.finish_step > self.step]
        for request in ended:
            request.done = self.time
            self.cached -= request.inputs + request.outputs - 1
        self._find_next_finish()
        self._send(len(ended))

    def _find_next_finish(self) -> None:
        self.next_finish = min((request.finish_step for request in self.running), default=0)
