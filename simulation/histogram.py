"""Latencies as vLLM's histograms show them to Prometheus, and `histogram_quantile` over their rate.

Buckets: vLLM 0.33, v1/metrics/buckets.py (the same in v1/metrics/loggers.py of 0.16 to 0.21). Times in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

REQUEST_LATENCY_BUCKETS = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
FIRST_TOKEN_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_KEPT_SCRAPES = 256


@dataclass
class Histogram:
    """What the pods counted, seen at each scrape; what a pod that went had counted stays in the rate, as in PromQL."""

    edges: tuple[float, ...]
    _pending: NDArray[np.int64] = field(init=False)
    _scrapes: deque[tuple[float, NDArray[np.int64]]] = field(default_factory=lambda: deque(maxlen=_KEPT_SCRAPES))

    def __post_init__(self) -> None:
        self._pending = np.zeros(len(self.edges) + 1, np.int64)

    def observe(self, seconds: NDArray[np.float64]) -> None:
        """Counts these; the next scrape shows them."""
        if seconds.size:
            places = np.searchsorted(self.edges, seconds, "left")
            self._pending += np.bincount(places, minlength=self._pending.size)

    def scrape(self, now_seconds: float) -> None:
        """One scrape of all pods."""
        self._scrapes.append((now_seconds, self._pending))
        self._pending = np.zeros_like(self._pending)

    def quantile(self, share: float, now_seconds: float, window_seconds: float) -> float:
        """`histogram_quantile(share, sum by (le) (rate(..._bucket[window])))`; NaN where nothing ended in the window.

        The oldest scrape of the window is what the others are counted from, as in PromQL.
        """
        seen = [counts for at, counts in self._scrapes if at > now_seconds - window_seconds][1:]
        counts = np.sum(seen, axis=0) if seen else np.zeros_like(self._pending)
        total = int(counts.sum())
        if total == 0:
            return nan
        rank = share * total
        below = np.cumsum(counts)
        place = int(np.searchsorted(below, rank, "left"))
        if place == len(self.edges):
            return self.edges[-1]
        lower = 0.0 if place == 0 else self.edges[place - 1]
        before = 0 if place == 0 else int(below[place - 1])
        return lower + (self.edges[place] - lower) * (rank - before) / int(counts[place])
