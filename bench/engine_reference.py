"""The engine of one replica, one step at a time, in plain Python: what `simulation/kernel.py` must equal.

It shares the cost table and nothing else. Every step walks over every running request, as vLLM's scheduler does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from simulation.engine_limits import BLOCK, EngineModel


@dataclass
class ReferenceRequest:
    """One request; times in picoseconds, lengths in tokens."""

    number: int
    arrival: int
    inputs: int
    outputs: int
    computed: int = 0
    generated: int = 0
    decoding: bool = False
    first_token: int = -1
    done: int = -1

    @property
    def known(self) -> int:
        """Tokens that must be in the cache before the next one can be sampled."""
        return self.inputs + self.generated

    @property
    def blocks(self) -> int:
        """Blocks it holds."""
        return -(-self.computed // BLOCK)


@dataclass
class ReferenceReplica:
    """One vLLM process."""

    engine: EngineModel
    time: int = 0
    running: list[ReferenceRequest] = field(default_factory=list)
    waiting: deque[ReferenceRequest] = field(default_factory=deque)
    finished: list[ReferenceRequest] = field(default_factory=list)
    preempted: int = 0
    steps: int = 0
    output_steps: int = 0

    def __post_init__(self) -> None:
        self.free = self.engine.kv_blocks
        self._linear = [int(linear) for linear in self.engine.linear_ps]
        limits = [int(limit) for limit in self.engine.limits]
        self._sequence, self._cached, self._pair = limits[3], limits[4], limits[5]

    def run_until(self, until: int) -> None:
        """Every step that starts before `until`."""
        while self.time < until:
            if not self.running:
                if not self.waiting:
                    self.time = until
                    return
                self.time = max(self.time, self.waiting[0].arrival)
                if self.time >= until:
                    return
            self.step()

    def step(self) -> None:
        """One step of the scheduler: running requests, then the queue, then the time it takes."""
        budget = self.engine.max_num_batched_tokens
        scheduled: list[tuple[ReferenceRequest, int]] = []
        preempted = False
        place = 0
        while place < len(self.running) and budget > 0:
            request = self.running[place]
            count = min(request.known - request.computed, budget)
            blocks = -(-(request.computed + count) // BLOCK) - request.blocks
            while blocks > self.free:
                preempted = True
                if self._preempt_youngest() is request:
                    break
            else:
                self.free -= blocks
                budget -= count
                scheduled.append((request, count))
                place += 1
                continue
            break
        while not preempted and self.waiting and budget > 0:
            request = self.waiting[0]
            if request.arrival > self.time or len(self.running) >= self.engine.max_num_seqs:
                break
            count = min(request.known, budget)
            blocks = request.known if self.engine.admits_whole_prompts else count
            if -(-blocks // BLOCK) > self.free:
                break
            self.waiting.popleft()
            self.free -= -(-count // BLOCK)
            budget -= count
            self.running.append(request)
            scheduled.append((request, count))
        self._end_step(scheduled)

    def _preempt_youngest(self) -> ReferenceRequest:
        request = self.running.pop()
        self.free += request.blocks
        request.computed = 0
        request.decoding = False
        self.preempted += 1
        self.waiting.appendleft(request)
        return request

    def _end_step(self, scheduled: list[tuple[ReferenceRequest, int]]) -> None:
        tokens = sum(count for _, count in scheduled)
        cached = pairs = 0
        for request, count in scheduled:
            if request.decoding:
                cached += request.computed + 1
            else:
                pairs += count * request.computed + count * (count + 1) // 2
        passed = self._linear[tokens] + self._sequence * len(scheduled) + self._cached * cached + self._pair * pairs
        self.time += passed
        self.steps += 1
        put_out = 0
        for request, count in scheduled:
            request.computed += count
            if request.computed < request.known:
                continue
            if request.first_token < 0:
                request.first_token = self.time
            put_out += 1
            request.generated += 1
            request.decoding = True
            if request.generated >= request.outputs:
                request.done = self.time
                self.free += request.blocks
                self.finished.append(request)
        self.output_steps += put_out > 0
        self.running = [request for request in self.running if request.done < 0]
