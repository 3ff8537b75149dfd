"""What a trace will need, by time, from its token rates alone: for the schedule, and as where the oracle begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from planning.model.demand import Capacity
from simulation.engine_limits import PICOSECONDS
from simulation.traces import Requests

BIN_SECONDS = 15.0
HOUR_BINS = int(3600 / BIN_SECONDS)


@dataclass(frozen=True)
class Future:
    """Load in replicas per bin of 15 s; `utilization` and `slack` turn it into replicas."""

    load: NDArray[np.float64]
    utilization: float = 0.75
    slack: float = 0.6
    smooth_bins: int = 4

    def needed(self) -> NDArray[np.int64]:
        """Replicas that serve each bin's arrivals."""
        kernel = np.ones(self.smooth_bins) / self.smooth_bins
        smooth = np.convolve(self.load, kernel, "full")[: self.load.size]
        return np.ceil(smooth / self.utilization + self.slack * np.sqrt(smooth)).astype(np.int64)

    def hourly(self, fewest: int, most: int) -> tuple[list[float], list[int]]:
        """A cron's replicas for each hour of the first day: its 99th percentile, begun a quarter of an hour early."""
        needed = np.clip(self.needed(), max(1, fewest), max(1, most))
        hours = [needed[start : start + HOUR_BINS] for start in range(0, min(needed.size, 24 * HOUR_BINS), HOUR_BINS)]
        counts = [ceil(float(np.percentile(hour, 99))) for hour in hours]
        following = [*counts[1:], counts[0]]
        from_seconds, replicas = [], []
        for hour, (now, then) in enumerate(zip(counts, following, strict=True)):
            from_seconds += [3600.0 * hour, 3600.0 * hour + 2700]
            replicas += [now, max(now, then)]
        return from_seconds, replicas


@dataclass(frozen=True)
class Survey:
    """A trace read once: tokens per bin of 15 s, and totals."""

    input_bins: NDArray[np.float64]
    output_bins: NDArray[np.float64]
    requests: int
    seconds: float

    @property
    def mean_input_tokens(self) -> float:
        """Per request."""
        return float(self.input_bins.sum()) / self.requests

    @property
    def mean_output_tokens(self) -> float:
        """Per request."""
        return float(self.output_bins.sum()) / self.requests

    def future(self, capacity: Capacity) -> Future:
        """The load in replicas of that capacity."""
        seconds = self.input_bins / capacity.prompt_tokens_per_second
        seconds = seconds + self.output_bins / capacity.output_tokens_per_second
        return Future(seconds / BIN_SECONDS)


def survey(trace: Iterable[Requests]) -> Survey:
    """Reads a trace once, keeping two numbers per bin; raises ValueError where it is empty."""
    bins = np.zeros((2, 256))
    requests, last = 0, 0
    for chunk in trace:
        places = (chunk.arrivals_ps // int(BIN_SECONDS * PICOSECONDS)).astype(np.int64)
        last = int(chunk.arrivals_ps[-1])
        while places[-1] >= bins.shape[1]:
            bins = np.concatenate([bins, np.zeros_like(bins)], axis=1)
        bins[0] += np.bincount(places, chunk.inputs, minlength=bins.shape[1])
        bins[1] += np.bincount(places, chunk.outputs, minlength=bins.shape[1])
        requests += chunk.inputs.size
    if requests == 0:
        raise ValueError("the trace has no requests")
    count = int(last // int(BIN_SECONDS * PICOSECONDS)) + 1
    return Survey(bins[0, :count], bins[1, :count], requests, last / PICOSECONDS)
