"""What a run came to: latencies in constant memory, GPU-hours, money, scale events."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

import numpy as np
from numpy.typing import NDArray

from simulation.engine_limits import PICOSECONDS
from simulation.fleet import Finished

_FIRST_BIN = 1e-3
_RATIO = 1.005
_BATCH = 8192
_BINS = 4400  # 1 ms × 1.005^4400 = 39 days


@dataclass(frozen=True)
class SimulatedSlo:
    """In SLO: first token within `ttft_seconds`, the others on average at most `tpot_seconds` apart.

    `share` of the requests are meant to hold it.
    """

    ttft_seconds: float = 2.0
    tpot_seconds: float = 0.1
    share: float = 0.99


class Latencies:
    """A histogram with bins 0.5 % wide, seconds."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Counts these."""
        bins = np.log(np.maximum(seconds, _FIRST_BIN) / _FIRST_BIN) / log(_RATIO)
        self._counts += np.bincount(np.minimum(bins.astype(np.int64), _BINS - 1), minlength=_BINS)
        self.count += seconds.size
        self.total += float(seconds.sum())

    def percentile(self, share: float) -> float | None:
        """The value that this share stays below, to 0.5 %; None without values."""
        if self.count == 0:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), share * self.count))
        return float(_FIRST_BIN * _RATIO ** (min(place, _BINS - 1) + 0.5))


def _columns(ended: Finished) -> tuple[NDArray[np.int64], ...]:
    return ended.arrival, ended.first_token, ended.done, ended.inputs, ended.outputs


@dataclass
class Tally:
    """Counts while a run goes on; lost and rejected requests are out of SLO."""

    slo: SimulatedSlo
    frontend_seconds: float
    ttft: Latencies = field(default_factory=Latencies)
    end_to_end: Latencies = field(default_factory=Latencies)
    arrived: int = 0
    finished: int = 0
    in_slo: int = 0
    rejected: int = 0
    lost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    scale_events: int = 0
    most_queue: int = 0
    most_replicas: int = 0
    _held: list[Finished] = field(default_factory=list)
    _held_count: int = 0

    def add(self, ended: Finished) -> None:
        """Takes requests that ended, to be counted by the thousand: one by one numpy's overhead would be the run."""
        if ended.arrival.size:
            self._held.append(ended)
            self._held_count += ended.arrival.size
            if self._held_count >= _BATCH:
                self.settle()

    def settle(self) -> None:
        """Counts what was taken."""
        if not self._held:
            return
        ended = Finished(*(np.concatenate(column) for column in zip(*map(_columns, self._held), strict=True)))
        self._held, self._held_count = [], 0
        ttft = (ended.first_token - ended.arrival) / PICOSECONDS + self.frontend_seconds
        decode = (ended.done - ended.first_token) / PICOSECONDS
        tpot = decode / np.maximum(ended.outputs - 1, 1)
        self.finished += ended.arrival.size
        self.in_slo += int(((ttft <= self.slo.ttft_seconds) & (tpot <= self.slo.tpot_seconds)).sum())
        self.ttft.add(ttft)
        self.end_to_end.add(ttft + decode)
        self.input_tokens += int(ended.inputs.sum())
        self.output_tokens += int(ended.outputs.sum())


@dataclass(frozen=True)
class Outcome:
    """One policy on one trace. `gpu_hours` are billed ones, from launch; `booting_gpu_hours` of them before Ready."""

    name: str
    slo_attainment: float
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    ttft_p99_s: float | None
    e2e_p99_s: float | None
    gpu_hours: float
    booting_gpu_hours: float
    usd: float | None
    usd_per_million_tokens: float | None
    scale_events: int
    rejected: int
    lost: int
    requests: int
    mean_replicas: float
    most_replicas: int
    most_queue: int
    replica_curve: tuple[tuple[float, int], ...] = ()
