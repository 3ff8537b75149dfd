"""One model on its nodes under one policy: arrivals, engines, metrics, scaler, all on one clock.

Between control events (a scrape, a sync, a pod that becomes ready or has drained) every engine runs on its own, in
compiled code; at control events Python decides. Event times are whole picoseconds, ties go by the order below.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simulation import kernel as k
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Finished, Fleet
from simulation.metrics import Metrics, PodSample
from simulation.outcome import Outcome, SimulatedSlo, Tally
from simulation.scalers import Scaler, Scene
from simulation.supply import Nodes, Pod, State, Supply
from simulation.traces import Requests

DRAIN_CHECK_SECONDS = 5.0
_NO_ENDPOINTS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Setting:
    """What is simulated, whatever the policy."""

    engine: EngineModel
    supply: Supply
    slo: SimulatedSlo = field(default_factory=SimulatedSlo)
    scrape_seconds: float = 15.0
    seed: int = 0


class Event(IntEnum):
    """Kinds, in the order in which equal times are handled."""

    POD_READY = 0
    DRAIN = 1
    SCRAPE = 2
    SYNC = 3


class World:
    """A run. Make one per policy and trace."""

    def __init__(self, setting: Setting, scaler: Scaler) -> None:
        self.setting = setting
        self.scaler = scaler
        children = np.random.SeedSequence(setting.seed).spawn(2)
        self.nodes = Nodes(setting.supply, np.random.default_rng(children[0]))
        self._draws = np.random.default_rng(children[1])
        self.fleet = Fleet(setting.engine)
        self.metrics = Metrics()
        self.tally = Tally(setting.slo, setting.engine.frontend_seconds)
        self.pods: list[Pod] = []
        self._named = 0
        self._events: list[tuple[int, int, int, Pod | None]] = []
        self._order = 0
        self._replica_seconds = 0.0
        self._changed = 0.0
        self.curve: list[tuple[float, int]] = []

    def run(self, trace: Iterable[Requests]) -> Outcome:
        """The whole trace, and until the last request has ended."""
        self.nodes.ready_nodes(self.setting.supply.min_nodes)
        for _ in range(self.scaler.start_replicas):
            pod = self._new_pod(0.0)
            self.nodes.place_ready(pod)
            pod.place = self.fleet.start(0)
        self.nodes.keep_spare(0.0)
        self._note_curve(0.0)
        self._push(self.setting.scrape_seconds / 2, Event.SCRAPE)
        self._push(self.scaler.sync_seconds, Event.SYNC)
        last_ps = 0
        for chunk in trace:
            self._arrivals(self._admitted(chunk))
            last_ps = int(chunk.arrivals_ps[-1])
        end = max(last_ps / PICOSECONDS, 1.0)
        self._finish(end)
        return self._outcome(end)

    def _admitted(self, chunk: Requests) -> Requests:
        """Prompts longer than the model takes are refused at once; answers end at the model's length."""
        longest = self.setting.engine.max_model_len
        self.tally.arrived += chunk.inputs.size
        fits = chunk.inputs < longest
        refused = int(fits.size - fits.sum())
        self.tally.rejected += refused
        if refused:
            chunk = Requests(chunk.arrivals_ps[fits], chunk.inputs[fits], chunk.outputs[fits])
        return Requests(chunk.arrivals_ps, chunk.inputs, np.minimum(chunk.outputs, longest - chunk.inputs))

    def _arrivals(self, chunk: Requests) -> None:
        draws = self._draws.random(chunk.inputs.size)
        times = chunk.arrivals_ps
        first, size = 0, times.size
        while first < size:
            event_ps = self._events[0][0]
            last = int(np.searchsorted(times, event_ps, "left")) if times[-1] >= event_ps else size
            if last > first:
                ready = self._endpoints()
                if ready.size:
                    self.fleet.send(times, chunk.inputs, chunk.outputs, draws, (first, last), ready)
                else:
                    self.tally.rejected += last - first
                first = last
            if first < size:
                self._next_event()

    def _finish(self, end_seconds: float) -> None:
        """Lets the requests still in the system end; the scaler goes on, billing stops with the trace."""
        billed = False
        while not billed or any(pod.place >= 0 and self.fleet.in_flight(pod.place) for pod in self.pods):
            if not billed and self._events[0][0] >= end_seconds * PICOSECONDS:
                self._note_curve(end_seconds)
                self.nodes.end(end_seconds)
                billed = True
                self._billed = self.nodes.billed_seconds, self.nodes.booting_seconds, self.tally.scale_events
                self._mean_replicas = self._replica_seconds / end_seconds
            self._next_event()

    def _next_event(self) -> None:
        time_ps, kind, _, pod = heapq.heappop(self._events)
        ended = self.fleet.run_until(time_ps)
        self.tally.add(ended)
        self._observe(ended)
        now = time_ps / PICOSECONDS
        if kind == Event.POD_READY and pod is not None:
            self._pod_ready(pod, now, time_ps)
        elif kind == Event.DRAIN and pod is not None:
            self._drained(pod, now)
        elif kind == Event.SCRAPE:
            self._scrape(now)
            self._push(now + self.setting.scrape_seconds, Event.SCRAPE)
        elif kind == Event.SYNC:
            self._sync(now)
            self._push(now + self.scaler.sync_seconds, Event.SYNC)

    def _observe(self, ended: Finished) -> None:
        """What vLLM counts into its histograms of requests that ended."""
        if ended.arrival.size:
            frontend, seen = self.setting.engine.frontend_seconds, self.metrics
            fresh = ended.first_token > round(seen.scraped_seconds * PICOSECONDS)
            seen.first_token.observe((ended.first_token - ended.arrival)[fresh] / PICOSECONDS + frontend)
            seen.end_to_end.observe((ended.done - ended.arrival) / PICOSECONDS + frontend)

    def _push(self, seconds: float, kind: Event, pod: Pod | None = None) -> None:
        self._order += 1
        heapq.heappush(self._events, (round(seconds * PICOSECONDS), kind, self._order, pod))

    def _endpoints(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        places = [pod.place for pod in self.pods if pod.state is State.READY]
        return np.array(places, np.int64) if places else _NO_ENDPOINTS

    def _scrape(self, now: float) -> None:
        samples: dict[str, PodSample] = {}
        for pod in self.pods:
            if pod.place >= 0:
                row = self.fleet.replicas[pod.place].tolist()
                running = row[k.RUNNING] + (row[k.PARTIAL] >= 0)
                samples[pod.name] = PodSample(
                    running,
                    row[k.WAITING],
                    1 - row[k.FREE] / self.setting.engine.kv_blocks,
                    row[k.PROMPT_TOKENS],
                    row[k.OUTPUT_TOKENS],
                    row[k.BUSY] / PICOSECONDS,
                    row[k.OUTPUT_STEPS],
                )
        since = self.fleet.first_tokens(round(self.metrics.scraped_seconds * PICOSECONDS))
        self.metrics.first_token.observe(since / PICOSECONDS + self.setting.engine.frontend_seconds)
        total = self.metrics.scrape(now, samples)
        self.tally.most_queue = max(self.tally.most_queue, total.waiting)

    def _sync(self, now: float) -> None:
        current = [pod for pod in self.pods if pod.state is not State.DRAINING]
        replicas = self.scaler.sync(Scene(now, len(current), self.pods, self.metrics))
        if replicas != len(current):
            self.tally.scale_events += 1
            self._scale(current, replicas, now)
        self.nodes.consolidate(now)

    def _scale(self, current: list[Pod], replicas: int, now: float) -> None:
        self._note_curve(now)
        for _ in range(replicas - len(current)):
            pod = self._new_pod(now)
            self.nodes.place(pod, now)
            self._push(pod.ready_seconds, Event.POD_READY, pod)
        # A ReplicaSet lets go of what does not serve yet first, then of the youngest.
        order = sorted(current, key=lambda pod: (pod.state is State.READY, -pod.ready_seconds, pod.name))
        for pod in order[: max(0, len(current) - replicas)]:
            self._let_go(pod, now)
        self._note_curve(now)

    def _new_pod(self, now: float) -> Pod:
        self._named += 1
        pod = Pod(f"pod-{self._named}", now)
        self.pods.append(pod)
        return pod

    def _let_go(self, pod: Pod, now: float) -> None:
        if pod.place < 0:
            self._remove(pod, now)
            return
        pod.state = State.DRAINING
        pod.stop_seconds = now
        self._push(now + self.setting.supply.pre_stop_seconds, Event.DRAIN, pod)

    def _drained(self, pod: Pod, now: float) -> None:
        """The pod has gone when it is empty, or at the end of its grace period with what it then still has."""
        if self.fleet.in_flight(pod.place) and now - pod.stop_seconds < self.setting.supply.grace_seconds:
            self._push(now + DRAIN_CHECK_SECONDS, Event.DRAIN, pod)
            return
        self.tally.lost += self.fleet.stop(pod.place)
        pod.place = -1
        self._remove(pod, now)

    def _remove(self, pod: Pod, now: float) -> None:
        self.pods.remove(pod)
        self.nodes.leave(pod, now)

    def _pod_ready(self, pod: Pod, now: float, time_ps: int) -> None:
        if pod not in self.pods:
            return
        pod.state = State.READY
        pod.place = self.fleet.start(time_ps)
        self.nodes.started(pod)

    def _note_curve(self, now: float) -> None:
        count = sum(pod.state is not State.DRAINING for pod in self.pods)
        if self.curve:
            self._replica_seconds += self.curve[-1][1] * (now - self._changed)
        self._changed = now
        self.tally.most_replicas = max(self.tally.most_replicas, count)
        if not self.curve or self.curve[-1][1] != count:
            self.curve.append((now, count))

    def _outcome(self, end: float) -> Outcome:
        tally, supply = self.tally, self.setting.supply
        tally.settle()
        billed, booting, scale_events = self._billed
        usd = None if supply.usd_per_node_hour is None else billed / 3600 * supply.usd_per_node_hour
        tokens = tally.input_tokens + tally.output_tokens
        return Outcome(
            name=self.scaler.name,
            slo_attainment=tally.in_slo / max(1, tally.arrived),
            ttft_p50_s=tally.ttft.percentile(0.5),
            ttft_p95_s=tally.ttft.percentile(0.95),
            ttft_p99_s=tally.ttft.percentile(0.99),
            e2e_p99_s=tally.end_to_end.percentile(0.99),
            gpu_hours=billed / 3600 * supply.gpus_per_node,
            booting_gpu_hours=booting / 3600 * supply.gpus_per_node / supply.pods_per_node,
            usd=usd,
            usd_per_million_tokens=usd / tokens * 1e6 if usd is not None and tokens else None,
            scale_events=scale_events,
            rejected=tally.rejected,
            lost=tally.lost,
            requests=tally.arrived,
            mean_replicas=self._mean_replicas,
            most_replicas=tally.most_replicas,
            most_queue=tally.most_queue,
            replica_curve=tuple(self.curve),
        )


def chunks(*requests: Requests) -> Iterator[Requests]:
    """A trace that is already in memory."""
    yield from requests
