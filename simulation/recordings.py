"""What a recording rule recorded: Prometheus' functions over a window of it, each in logarithmic time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from math import sqrt

# A recording rule keeps four points a minute; what looks back furthest looks back a day.
_KEPT_POINTS = 24 * 60 * 4


@dataclass
class RecordedSeries:
    """One recorded series, oldest point first. Times in seconds; what is 0 below is so where nothing was recorded."""

    at: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    _sums: list[float] = field(default_factory=lambda: [0.0])
    _squares: list[float] = field(default_factory=lambda: [0.0])

    def add(self, now_seconds: float, value: float) -> None:
        """A point."""
        self.at.append(now_seconds)
        self.values.append(value)
        self._sums.append(self._sums[-1] + value)
        self._squares.append(self._squares[-1] + value * value)
        if len(self.at) > 2 * _KEPT_POINTS:
            for column in (self.at, self.values, self._sums, self._squares):
                del column[:_KEPT_POINTS]

    def points(self, from_seconds: float, to_seconds: float) -> tuple[list[float], list[float]]:
        """Times and values between two times."""
        first, last = self._span(from_seconds, to_seconds)
        return self.at[first:last], self.values[first:last]

    def count(self, from_seconds: float, to_seconds: float) -> int:
        """PromQL's count_over_time()."""
        first, last = self._span(from_seconds, to_seconds)
        return last - first

    def total(self, from_seconds: float, to_seconds: float) -> float:
        """PromQL's sum_over_time()."""
        first, last = self._span(from_seconds, to_seconds)
        return self._sums[last] - self._sums[first]

    def mean(self, from_seconds: float, to_seconds: float) -> float:
        """PromQL's avg_over_time()."""
        first, last = self._span(from_seconds, to_seconds)
        return (self._sums[last] - self._sums[first]) / (last - first) if last > first else 0.0

    def deviation(self, from_seconds: float, to_seconds: float) -> float:
        """PromQL's stddev_over_time()."""
        first, last = self._span(from_seconds, to_seconds)
        count = last - first
        if count == 0:
            return 0.0
        average = (self._sums[last] - self._sums[first]) / count
        return sqrt(max(0.0, (self._squares[last] - self._squares[first]) / count - average * average))

    def _span(self, from_seconds: float, to_seconds: float) -> tuple[int, int]:
        return bisect_left(self.at, from_seconds), bisect_right(self.at, to_seconds)
