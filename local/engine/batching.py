"""Continuous batching with a KV cache, on a clock that the caller moves: no I/O, so it can be tested to the token.

As vLLM's scheduler: decodes first, then prefill in chunks within the step's token budget, then admission in order of
arrival while sequences and KV blocks are free; no block for the next token preempts the youngest sequence, which is
computed again later. Simulated: the time of a step comes from `EngineRates`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local.engine.prefix_cache import PrefixCache
from local.engine.rates import EngineRates


@dataclass(eq=False)
class Sequence:
    """One answer being made. Times are seconds of the caller's clock; token counts only grow."""

    prompt_tokens: int
    output_tokens: int
    finish_reason: str
    arrived: float
    on_tokens: Callable[[Sequence], None] = lambda _: None
    hashes: tuple[int, ...] = ()
    """Of the prompt's full blocks (prefix_cache.py)."""
    cached: int = 0
    """Prompt tokens that were in the cache when it was scheduled."""
    generated: int = 0
    computed: int = 0
    blocks: int = 0
    preemptions: int = 0
    scheduled: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    finished: float | None = None
    aborted: bool = False

    @property
    def context_tokens(self) -> int:
        """Tokens that have to be in the KV cache before the next one can be made."""
        return self.prompt_tokens + self.generated


@dataclass
class Observer:
    """What the batcher reports; the engine turns it into metrics."""

    on_step: Callable[[int, int, int], None] = lambda prompt, generated, computed: None
    on_first_token: Callable[[Sequence], None] = lambda sequence: None
    on_next_token: Callable[[Sequence, float], None] = lambda sequence, seconds: None
    on_preemption: Callable[[Sequence], None] = lambda sequence: None
    on_finish: Callable[[Sequence], None] = lambda sequence: None


@dataclass
class Batcher:
    """The queue of one engine. `now` is the end of the last step that was computed."""

    rates: EngineRates
    max_num_seqs: int
    max_num_batched_tokens: int
    block_tokens: int = 16
    observer: Observer = field(default_factory=Observer)
    prefixes: PrefixCache | None = None
    now: float = 0.0
    waiting: deque[Sequence] = field(default_factory=deque)
    running: list[Sequence] = field(default_factory=list)
    used_blocks: int = 0
    _step: list[tuple[Sequence, int]] = field(default_factory=list)
    _step_end: float | None = None

    @property
    def total_blocks(self) -> int:
        return max(0, self.rates.kv_cache_tokens // self.block_tokens)

    @property
    def kv_usage(self) -> float:
        """Used share of the KV cache, 0 to 1."""
        return self.used_blocks / self.total_blocks if self.total_blocks else 0.0

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.running

    @property
    def next_event(self) -> float | None:
        """When the step under way ends; None when nothing is under way."""
        return self._step_end

    def add(self, sequence: Sequence) -> None:
        """Queues a sequence. Raises ValueError for one that does not fit an empty cache: it would wait forever."""
        if self._blocks_for(sequence.prompt_tokens + sequence.output_tokens) > self.total_blocks:
            raise ValueError(f"{sequence.prompt_tokens + sequence.output_tokens} tokens do not fit the KV cache")
        self.waiting.append(sequence)
        if self._step_end is None:
            self.now = max(self.now, sequence.arrived)
            self._begin_step()

    def abort(self, sequence: Sequence, now: float, notify: bool = True) -> None:
        """Takes a sequence out wherever it is; frees its blocks. `notify`: whether the observer hears of it."""
        if sequence.finished is not None:
            return
        sequence.aborted = True
        sequence.finish_reason = "abort"
        if sequence in self.running:
            self.running.remove(sequence)
        else:
            self.waiting.remove(sequence)
        self._finish(sequence, now, notify)

    def advance(self, now: float) -> None:
        """Computes all steps that end at or before `now`."""
        while self._step_end is not None and self._step_end <= now:
            self.now = self._step_end
            self._end_step()
            self._begin_step()

    def _blocks_for(self, tokens: int) -> int:
        return -(-tokens // self.block_tokens)

    def _reserve(self, sequence: Sequence, tokens: int) -> bool:
        blocks = self._blocks_for(tokens) - sequence.blocks
        if blocks > self.total_blocks - self.used_blocks:
            return False
        if blocks > 0:
            sequence.blocks += blocks
            self.used_blocks += blocks
        return True

    def _release(self, sequence: Sequence) -> None:
        self.used_blocks -= sequence.blocks
        sequence.blocks = 0

    def _begin_step(self) -> None:
        self._step = []
        budget = self.max_num_batched_tokens
        waiting = len(self.waiting)
        budget = self._schedule_running(budget)
        if len(self.waiting) == waiting:  # a preempted sequence does not come back in the same step
            self._admit(budget)
        if not self._step:
            self._step_end = None
            return
        tokens = sum(count for _, count in self._step)
        context = sum(sequence.computed for sequence, _ in self._step)
        self._step_end = self.now + self.rates.step_seconds(tokens, context)

    def _schedule_running(self, budget: int) -> int:
        decodes = [s for s in self.running if s.context_tokens - s.computed == 1]
        prefills = [s for s in self.running if s.context_tokens - s.computed > 1]
        for sequence in [*decodes, *prefills]:
            if sequence not in self.running or budget == 0:  # preempted meanwhile, or later
                continue
            count = min(budget, sequence.context_tokens - sequence.computed)
            if not self._reserve_or_preempt(sequence, sequence.computed + count):
                continue
            self._step.append((sequence, count))
            budget -= count
        return budget

    def _reserve_or_preempt(self, sequence: Sequence, tokens: int) -> bool:
        while not self._reserve(sequence, tokens):
            victim = self.running[-1]
            self._preempt(victim)
            if victim is sequence:
                return False
        return True

    def _preempt(self, victim: Sequence) -> None:
        self.running.remove(victim)
        self._step = [entry for entry in self._step if entry[0] is not victim]
        self._release(victim)
        victim.computed = 0
        victim.preemptions += 1
        self.waiting.appendleft(victim)
        self.observer.on_preemption(victim)

    def _admit(self, budget: int) -> None:
        while self.waiting and budget > 0 and len(self.running) < self.max_num_seqs:
            sequence = self.waiting[0]
            # the whole input has to find room, or a chunk would be computed only to be preempted
            if not self._reserve(sequence, sequence.context_tokens):
                return
            self.waiting.popleft()
            self.running.append(sequence)
            if sequence.scheduled is None:
                sequence.scheduled = self.now
            if self.prefixes is not None:
                sequence.computed = sequence.cached = self.prefixes.hits(sequence.hashes, sequence.prompt_tokens)
            count = min(budget, sequence.context_tokens - sequence.computed)
            self._step.append((sequence, count))
            budget -= count

    def _end_step(self) -> None:
        prompt = generated = 0
        step, self._step = self._step, []
        for sequence, count in step:
            if sequence.finished is not None:  # aborted while the step ran
                continue
            sequence.computed += count
            if sequence.computed == sequence.context_tokens:
                # counted with the first token, so that a chunk computed twice is not counted twice
                prompt += sequence.prompt_tokens if sequence.generated == 0 else 0
                generated += 1
                if sequence.generated == 0 and self.prefixes is not None:
                    self.prefixes.keep(sequence.hashes, self._room_for_prefixes())
                self._emit(sequence)
        self.observer.on_step(prompt, generated, sum(count for _, count in step))

    def _room_for_prefixes(self) -> int:
        """Blocks that hold no answer, nor a prompt's unfinished last block."""
        return self.total_blocks - self.used_blocks + sum(min(len(s.hashes), s.blocks) for s in self.running)

    def _emit(self, sequence: Sequence) -> None:
        sequence.generated += 1
        previous, sequence.last_token = sequence.last_token, self.now
        if previous is None:
            sequence.first_token = self.now
            self.observer.on_first_token(sequence)
        else:
            self.observer.on_next_token(sequence, self.now - previous)
        if sequence.generated >= sequence.output_tokens:
            self.running.remove(sequence)
            self._finish(sequence, self.now)
        else:
            sequence.on_tokens(sequence)

    def _finish(self, sequence: Sequence, now: float, notify: bool = True) -> None:
        self._release(sequence)
        sequence.finished = now
        if notify:
            self.observer.on_finish(sequence)
        sequence.on_tokens(sequence)
