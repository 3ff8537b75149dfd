"""Prometheus as a scaler sees it: samples at scrapes, rates over windows, nothing where no pod is up.

Values are vLLM's own series. A pod's last sample is used for up to five minutes unless the pod is gone, in which case
Prometheus marks the series stale at the next scrape. Rates are taken from scrape to scrape, so the first sample of a
pod gives none, as with PromQL's rate().
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulation.histogram import FIRST_TOKEN_BUCKETS, REQUEST_LATENCY_BUCKETS, Histogram
from simulation.recordings import RecordedSeries

STALE_SECONDS = 300.0
_RECENT_POINTS = 256


@dataclass(frozen=True)
class PodSample:
    """One scrape of one pod: gauges, and counters since the pod's start; `steps`: those that put out a token."""

    running: int
    waiting: int
    kv_usage: float
    prompt_tokens: int
    output_tokens: int
    busy_seconds: float
    steps: int = 0

    @property
    def in_flight(self) -> int:
        """Requests running and waiting."""
        return self.running + self.waiting


@dataclass(frozen=True)
class Total:
    """Sums over pods at one scrape; rates since the scrape before, per second, `busy` in GPUs' worth of work.

    `step_rate`: steps that put out a token. `at_work`: engines that run a request.
    """

    at_seconds: float
    pods: int
    running: int
    waiting: int
    kv_usage: float
    prompt_rate: float
    output_rate: float
    busy: float = 0.0
    step_rate: float = 0.0
    at_work: int = 0

    @property
    def in_flight(self) -> int:
        """Requests running and waiting."""
        return self.running + self.waiting


@dataclass
class Metrics:
    """What Prometheus holds of one model: its last scrapes, and what was recorded of them."""

    pods: dict[str, PodSample] = field(default_factory=dict)
    scraped_seconds: float = -1.0
    recent: deque[Total] = field(default_factory=lambda: deque(maxlen=_RECENT_POINTS))
    scrapes: deque[tuple[float, Mapping[str, PodSample]]] = field(default_factory=lambda: deque(maxlen=_RECENT_POINTS))
    first_token: Histogram = field(default_factory=lambda: Histogram(FIRST_TOKEN_BUCKETS))
    end_to_end: Histogram = field(default_factory=lambda: Histogram(REQUEST_LATENCY_BUCKETS))
    load: RecordedSeries = field(default_factory=RecordedSeries)
    at_work: RecordedSeries = field(default_factory=RecordedSeries)
    planned_work: RecordedSeries = field(default_factory=RecordedSeries)

    def scrape(self, now_seconds: float, samples: Mapping[str, PodSample]) -> Total:
        """One scrape of all pods that are up."""
        elapsed = now_seconds - self.scraped_seconds
        prompt = output = busy = steps = 0.0
        if self.scraped_seconds >= 0 and elapsed > 0:
            for name, sample in samples.items():
                before = self.pods.get(name)
                if before is not None:
                    prompt += (sample.prompt_tokens - before.prompt_tokens) / elapsed
                    output += (sample.output_tokens - before.output_tokens) / elapsed
                    busy += (sample.busy_seconds - before.busy_seconds) / elapsed
                    steps += (sample.steps - before.steps) / elapsed
        self.pods = dict(samples)
        self.scrapes.append((now_seconds, self.pods))
        self.first_token.scrape(now_seconds)
        self.end_to_end.scrape(now_seconds)
        self.scraped_seconds = now_seconds
        total = Total(
            at_seconds=now_seconds,
            pods=len(samples),
            running=sum(sample.running for sample in samples.values()),
            waiting=sum(sample.waiting for sample in samples.values()),
            kv_usage=sum(sample.kv_usage for sample in samples.values()),
            prompt_rate=prompt,
            output_rate=output,
            busy=busy,
            step_rate=steps,
            at_work=sum(sample.running > 0 for sample in samples.values()),
        )
        self.recent.append(total)
        return total

    def fresh_pods(self, now_seconds: float) -> Mapping[str, PodSample]:
        """The pods' last samples, unless they are stale."""
        return self.pods if now_seconds - self.scraped_seconds <= STALE_SECONDS else {}

    def output_rates(self, now_seconds: float, seconds: float) -> dict[str, float]:
        """PromQL's rate() of generated tokens over a window, by pod; without pods that have fewer than two samples."""
        start = now_seconds - seconds
        rates: dict[str, list[tuple[float, float]]] = {}
        for at, samples in self.scrapes:
            if start < at <= now_seconds:
                for name in self.pods.keys() & samples.keys():
                    rates.setdefault(name, []).append((at, float(samples[name].output_tokens)))
        return {name: _rate(points, start, now_seconds) for name, points in rates.items() if len(points) > 1}

    def window(self, now_seconds: float, seconds: float) -> list[Total]:
        """The scrapes of the last so many seconds that saw a pod, oldest first."""
        readings = []
        for total in reversed(self.recent):
            if total.at_seconds <= now_seconds - seconds:
                break
            if total.pods:
                readings.append(total)
        return readings[::-1]


def _rate(points: list[tuple[float, float]], start_seconds: float, end_seconds: float) -> float:
    """PromQL's rate() of a counter's (time, value) points, extrapolated to the window as `extrapolatedRate` does."""
    (first_at, first), (last_at, last) = points[0], points[-1]
    sampled = last_at - first_at
    apart = sampled / (len(points) - 1)
    before, after = first_at - start_seconds, end_seconds - last_at
    before = apart / 2 if before >= 1.1 * apart else before
    after = apart / 2 if after >= 1.1 * apart else after
    if last > first >= 0:
        before = min(before, sampled * first / (last - first))
    return (last - first) * (sampled + before + after) / sampled / (end_seconds - start_seconds)
