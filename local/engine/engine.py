"""One simulated vLLM engine: a batcher driven by the event loop's clock, its metrics, its life."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from local.engine.batching import Batcher, Observer, Sequence
from local.engine.flags import EngineArguments
from local.engine.metrics import EngineMetrics
from local.engine.prefix_cache import PrefixCache, block_hashes
from local.engine.rates import EngineRates
from planning.versions import vllm_versions

MIN_TICK_SECONDS = 0.004  # steps shorter than this are computed together: hundreds of engines share one thread


class EngineState(StrEnum):
    """Life of an engine's process."""

    LOADING = "loading"  # the HTTP server of vLLM starts after the model is loaded
    SERVING = "serving"
    DRAINING = "draining"  # after SIGTERM: running requests finish, new ones are answered with nothing
    STOPPED = "stopped"
    CRASHED = "crashed"


class Overloaded(Exception):
    """More requests in flight than --max-num-queued-reqs allows; vLLM answers 503."""


VLLM_SURFACE, RAY_SURFACE = "vllm", "ray"


@dataclass(frozen=True)
class SimulatedEngineConfig:
    """All an engine is made of. `speed`: how many times faster than the roofline time passes."""

    pod: str
    arguments: EngineArguments
    rates: EngineRates
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    version: str
    speed: float = 1.0
    surface: str = VLLM_SURFACE
    """Whose HTTP server is in front of it: vLLM's own, or Ray Serve's proxy with its ingress."""
    adapters_may_change: bool = False
    """VLLM_ALLOW_RUNTIME_LORA_UPDATING."""


class Engine:
    """Serves while its state is SERVING, finishes what runs while DRAINING."""

    def __init__(self, config: SimulatedEngineConfig, log: Callable[[str], None] = lambda line: None) -> None:
        self.config = config
        self.state = EngineState.LOADING
        self.log = log
        arguments, rates = config.arguments, config.rates.scaled(config.speed)
        self.metrics = EngineMetrics(
            arguments.served_names[0],
            config.max_model_len,
            vllm_versions.version_of(config.version),
            {
                "block_size": str(arguments.block_size_tokens),
                "cache_dtype": arguments.kv_cache_dtype,
                "enable_prefix_caching": str(arguments.prefix_caching),
                "gpu_memory_utilization": str(arguments.gpu_memory_utilization),
                "num_gpu_blocks": str(rates.kv_cache_tokens // arguments.block_size_tokens),
            },
        )
        self.batcher = Batcher(
            rates,
            config.max_num_seqs,
            config.max_num_batched_tokens,
            arguments.block_size_tokens,
            Observer(self._on_step, self._on_first_token, self._on_next_token, self._on_preemption, self._on_finish),
            PrefixCache(arguments.block_size_tokens) if arguments.prefix_caching else None,
        )
        self.adapters: dict[str, str] = {}
        """Name -> path of LoRA adapters (adapters.py)."""
        self.on_end: list[Callable[[bool], None]] = []
        """Told that the process ends, and whether it was killed: before what it still had is given up."""
        self._pump_task: asyncio.Task[None] | None = None
        self._admitted = 0
        self._busy_before_seconds = 0.0
        self._busy_since: float | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Sequences waiting or running."""
        return len(self.batcher.waiting) + len(self.batcher.running)

    @property
    def busy_seconds(self) -> float:
        """For how long it has computed since its start: what a GPU's utilization is made of."""
        running = 0.0 if self._busy_since is None else asyncio.get_running_loop().time() - self._busy_since
        return self._busy_before_seconds + running

    def start_serving(self) -> None:
        """The model is "loaded": answer requests from now on."""
        if self.state is EngineState.LOADING:
            self.state = EngineState.SERVING
            self.log(f"INFO (simulated) vLLM {self.config.version} serves {', '.join(self.served_names)}")

    @property
    def served_names(self) -> tuple[str, ...]:
        return self.config.arguments.served_names

    @contextlib.contextmanager
    def admitted(self, requests: int) -> Iterator[None]:
        """Counts `requests` as in flight meanwhile; raises Overloaded if they would pass --max-num-queued-reqs."""
        limit = self.config.arguments.max_num_queued_reqs
        if limit is not None and self._admitted + requests > limit:
            self.metrics.increment("admission_rejections", 1, "max_num_queued_reqs")
            raise Overloaded(
                "The engine is currently busy and cannot accept new requests. "
                "Please try again later or on a different instance."
            )
        self._admitted += requests
        try:
            yield
        finally:
            self._admitted -= requests

    def turn_away(self, prompt_tokens: int) -> None:
        """A request that came after SIGTERM: vLLM's core ends it at once, and counts it as aborted."""
        now = asyncio.get_running_loop().time()
        self._on_finish(Sequence(prompt_tokens, 0, "abort", now, finished=now))

    async def generate(
        self, prompt_tokens: int, output_tokens: int, finish_reason: str, content: bytes = b""
    ) -> AsyncGenerator[Sequence, None]:
        """Runs one sequence; yields it whenever it has new tokens, at last when it is finished.

        `content`: four bytes for each token of the prompt, by which its beginning is known again.

        Leaving the iterator early (the client went away) aborts the sequence, as vLLM does; vLLM counts it nowhere.
        """
        clock = asyncio.get_running_loop().time
        news = asyncio.Event()
        sequence = Sequence(prompt_tokens, output_tokens, finish_reason, clock(), on_tokens=lambda _: news.set())
        if self.config.arguments.prefix_caching:
            sequence.hashes = block_hashes(content, self.config.arguments.block_size_tokens)
            self.metrics.increment("prefix_cache_queries", prompt_tokens)
        self.batcher.advance(sequence.arrived)
        self.batcher.add(sequence)
        self._refresh_gauges()
        self._idle.clear()
        if self._pump_task is None or self._pump_task.done():
            self._pump_task = asyncio.create_task(self._pump())
        try:
            while True:
                await news.wait()
                news.clear()
                yield sequence
                if sequence.finished is not None:
                    return
        finally:
            self.batcher.abort(sequence, clock(), notify=False)
            self._refresh_gauges()

    async def _pump(self) -> None:
        clock = asyncio.get_running_loop().time
        self._busy_since = clock()
        while (end := self.batcher.next_event) is not None:
            await asyncio.sleep(max(end - clock(), MIN_TICK_SECONDS))
            self.batcher.advance(clock())
            self._refresh_gauges()
        self._busy_before_seconds, self._busy_since = self.busy_seconds, None
        self._idle.set()

    async def drain(self, seconds: float, then_killed: bool = False) -> int:
        """SIGTERM: abort new requests, let running ones finish for `seconds`, abort the rest; returns how many.

        `then_killed`: the grace period ends before its own time for it, so that SIGKILL does.
        """
        self.state = EngineState.DRAINING
        self.log(f"INFO (simulated) draining: {self.in_flight} requests in flight, at most {seconds:g} s")
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)
        return 0 if self.has_ended else self.stop(then_killed and self.in_flight > 0)

    @property
    def has_ended(self) -> bool:
        """Its process is gone, whatever ended it."""
        return self.state in (EngineState.STOPPED, EngineState.CRASHED)

    def stop(self, was_killed: bool | None = None) -> int:
        """The process ends now. Aborts what is in flight; returns how many sequences that were."""
        killed = self.state is not EngineState.DRAINING if was_killed is None else was_killed
        self.state = EngineState.STOPPED
        for listener in self.on_end:
            listener(killed)
        left = [*self.batcher.running, *self.batcher.waiting]
        for sequence in left:
            self.batcher.abort(sequence, asyncio.get_running_loop().time())
        self._refresh_gauges()
        self.log(f"INFO (simulated) stopped, {len(left)} requests aborted")
        return len(left)

    def _refresh_gauges(self) -> None:
        waiting = len(self.batcher.waiting)
        self.metrics.set("num_requests_running", len(self.batcher.running))
        self.metrics.set("num_requests_waiting", waiting)
        self.metrics.set("num_requests_waiting_by_reason", waiting, "capacity")
        self.metrics.set("kv_cache_usage_perc", self.batcher.kv_usage)

    def _on_step(self, prompt: int, generated: int, computed: int) -> None:
        self.metrics.increment("prompt_tokens", prompt)
        self.metrics.increment("generation_tokens", generated)
        self.metrics.observe("iteration_tokens_total", computed)

    def _on_first_token(self, sequence: Sequence) -> None:
        assert sequence.first_token is not None
        self.metrics.observe("time_to_first_token_seconds", sequence.first_token - sequence.arrived)
        self.metrics.increment("prefix_cache_hits", sequence.cached)
        self.metrics.increment("prompt_tokens_by_source", sequence.prompt_tokens - sequence.cached, "local_compute")
        self.metrics.increment("prompt_tokens_by_source", sequence.cached, "local_cache_hit")
        self.metrics.increment("prompt_tokens_cached_by_source", sequence.cached, "device")

    def _on_next_token(self, _: Sequence, seconds: float) -> None:
        self.metrics.observe("inter_token_latency_seconds", seconds)

    def _on_preemption(self, _: Sequence) -> None:
        self.metrics.increment("num_preemptions")

    def _on_finish(self, sequence: Sequence) -> None:
        self.metrics.increment("request_success", 1, sequence.finish_reason)
        end = sequence.finished if sequence.finished is not None else sequence.arrived
        self.metrics.observe("e2e_request_latency_seconds", end - sequence.arrived)
        self.metrics.observe("request_prompt_tokens", sequence.prompt_tokens)
        self.metrics.observe("request_generation_tokens", sequence.generated)
        self.metrics.observe("request_num_preemptions", sequence.preemptions)
        if sequence.scheduled is None:
            return
        self.metrics.observe("request_queue_time_seconds", sequence.scheduled - sequence.arrived)
        if sequence.first_token is None or sequence.last_token is None:
            return
        decode = sequence.last_token - sequence.first_token
        self.metrics.observe("request_prefill_kv_computed_tokens", sequence.prompt_tokens - sequence.cached)
        self.metrics.observe("request_prefill_time_seconds", sequence.first_token - sequence.scheduled)
        self.metrics.observe("request_decode_time_seconds", decode)
        self.metrics.observe("request_inference_time_seconds", sequence.last_token - sequence.scheduled)
        if sequence.generated > 1:
            self.metrics.observe("request_time_per_output_token_seconds", decode / (sequence.generated - 1))
