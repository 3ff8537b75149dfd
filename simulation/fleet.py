"""The replicas' state as arrays, and the calls into the compiled engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation import kernel as k
from simulation.engine_limits import EngineModel

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Finished:
    """Requests that ended, one array entry each; times in picoseconds, lengths in tokens."""

    arrival: Ints
    first_token: Ints
    done: Ints
    inputs: Ints
    outputs: Ints


class Fleet:
    """Places for replicas; a place is started, given work, stopped and used again.

    Memory grows with the requests in the system and the replicas, not with the trace.
    """

    def __init__(self, engine: EngineModel, places: int = 8, slots: int = 4096) -> None:
        self.engine = engine
        self.limits = engine.limits
        self.linear = engine.linear_ps
        self.replicas: Ints = np.zeros((places, k.REPLICA_COLUMNS), np.int64)
        self.running: Ints = np.zeros((places, engine.max_num_seqs + 1), np.int64)
        self.phases: Ints = np.zeros((places, k.BLOCK), np.int64)
        self.requests: Ints = np.zeros((slots, k.REQUEST_COLUMNS), np.int64)
        self.requests[:, k.DONE] = -2
        self.free_slots: Ints = np.arange(slots - 1, -1, -1, dtype=np.int64)
        self.free_count: Ints = np.array([slots], np.int64)
        self._done: Ints = np.zeros(slots, np.int64)
        self._count: Ints = np.zeros(1, np.int64)
        self._free_places = list(range(places - 1, -1, -1))
        self._active: list[int] = []

    def start(self, time_ps: int) -> int:
        """A replica with an empty engine from that time on; answers its place."""
        if not self._free_places:
            self._grow_places()
        place = self._free_places.pop()
        row = self.replicas[place]
        row[:] = 0
        row[k.TIME] = time_ps
        row[k.FREE] = self.engine.kv_blocks
        row[k.HEAD] = row[k.TAIL] = row[k.PARTIAL] = -1
        row[k.NEXT_FINISH] = k.NEVER
        self.phases[place] = 0
        self._active.append(place)
        return place

    def stop(self, place: int) -> int:
        """Ends a replica; answers how many requests it still had, which are lost."""
        held = np.flatnonzero((self.requests[:, k.OWNER] == place) & (self.requests[:, k.DONE] == -1))
        if held.size:
            self._release(held)
        self._active.remove(place)
        self._free_places.append(place)
        return int(held.size)

    def send(
        self, times: Ints, inputs: Ints, outputs: Ints, draws: NDArray[np.float64], span: tuple[int, int], ready: Ints
    ) -> None:
        """Arrivals of that span of the arrays, each to a ready replica by its draw."""
        needed = span[1] - span[0]
        while self.free_count[0] < needed:
            self._grow_slots()
        k.route(
            times, inputs, outputs, draws, span[0], span[1], ready, self.replicas, self.requests,
            self.free_slots, self.free_count,
        )  # fmt: skip

    def run_until(self, time_ps: int) -> Finished:
        """Every replica until that time; answers what ended."""
        self._count[0] = 0
        k.run_fleet(
            np.array(self._active, np.int64), self.replicas, self.running, self.phases, self.requests, self.limits,
            self.linear, self._done, self._count, time_ps,
        )  # fmt: skip
        ended = self._done[: self._count[0]]
        rows = self.requests[ended]
        finished = Finished(rows[:, k.ARRIVAL], rows[:, k.FIRST], rows[:, k.DONE], rows[:, k.INPUT], rows[:, k.OUTPUT])
        if ended.size:
            self._release(ended)
        return finished

    def in_flight(self, place: int) -> int:
        """Requests running or waiting on one replica."""
        row = self.replicas[place]
        return int(row[k.RUNNING] + row[k.WAITING] + (row[k.PARTIAL] >= 0))

    def first_tokens(self, after_ps: int) -> Ints:
        """Picoseconds to the first token of the requests that run and had it after that time."""
        got = self.requests[(self.requests[:, k.DONE] == -1) & (self.requests[:, k.FIRST] > max(0, after_ps))]
        taken: Ints = got[:, k.FIRST] - got[:, k.ARRIVAL]
        return taken

    def _release(self, slots: Ints) -> None:
        self.requests[slots, k.DONE] = -2
        count = int(self.free_count[0])
        self.free_slots[count : count + slots.size] = slots
        self.free_count[0] = count + slots.size

    def _grow_slots(self) -> None:
        old = self.requests.shape[0]
        added = np.zeros((old, k.REQUEST_COLUMNS), np.int64)
        added[:, k.DONE] = -2
        self.requests = np.concatenate([self.requests, added])
        free = self.free_slots[: self.free_count[0]]
        fresh = np.arange(2 * old - 1, old - 1, -1, dtype=np.int64)
        self.free_slots = np.concatenate([fresh, free, np.zeros(2 * old - fresh.size - free.size, np.int64)])
        self.free_count[0] += old
        self._done = np.zeros(2 * old, np.int64)

    def _grow_places(self) -> None:
        old = self.replicas.shape[0]
        self.replicas = np.concatenate([self.replicas, np.zeros_like(self.replicas)])
        self.running = np.concatenate([self.running, np.zeros_like(self.running)])
        self.phases = np.concatenate([self.phases, np.zeros_like(self.phases)])
        self._free_places = list(range(2 * old - 1, old - 1, -1))
