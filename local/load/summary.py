"""What a run came to, in numbers: outcomes, latencies, replicas over time, how long a spike waited, money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from local.load.client import RequestOutcome, RequestResult
from local.load.samples import LoadSample

SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Summary:
    """Seconds count from the start of the run. `not_sent`: more than the run's bounds let through."""

    requests: int
    answered: int
    refused: int
    lost: int
    not_sent: int
    reasons: tuple[tuple[str, int], ...]
    ttft_seconds: dict[str, float]
    end_to_end_seconds: dict[str, float]
    wanted_curve: tuple[tuple[float, int], ...]
    ready_curve: tuple[tuple[float, int], ...]
    spike_to_ready_seconds: dict[int, float]
    most_queue: float | None
    most_nodes: int | None
    usd: float | None
    usd_per_hour_most: float | None
    seconds: float


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 of these; empty without values."""
    return {f"p{share * 100:.0f}": float(np.quantile(values, share)) for share in SHARES} if values else {}


def summarize(
    results: Sequence[RequestResult], samples: Sequence[LoadSample], spike_seconds: float | None, beyond: int
) -> Summary:
    """The numbers of a run; `beyond`: requests of the profile that the run's bound on their number left out."""
    counts = Counter(result.outcome for result in results)
    faults = (f"{r.outcome}: {r.why}" for r in results if r.outcome is not RequestOutcome.ANSWERED)
    ready = curve([(s.seconds, s.replicas.ready) for s in samples if s.replicas])
    nodes = [s.nodes for s in samples if s.nodes]
    queues = [s.gauges.waiting for s in samples if s.gauges]
    return Summary(
        requests=len(results) - counts[RequestOutcome.UNSENT],
        answered=counts[RequestOutcome.ANSWERED],
        refused=counts[RequestOutcome.REFUSED],
        lost=counts[RequestOutcome.LOST],
        not_sent=counts[RequestOutcome.UNSENT] + beyond,
        reasons=tuple(Counter(faults).most_common(8)),
        ttft_seconds=percentiles([t for r in results if (t := r.ttft_seconds) is not None]),
        end_to_end_seconds=percentiles([t for r in results if (t := r.end_to_end_seconds) is not None]),
        wanted_curve=curve([(s.seconds, s.replicas.wanted) for s in samples if s.replicas]),
        ready_curve=ready,
        spike_to_ready_seconds=spike_to_ready(ready, spike_seconds),
        most_queue=max(queues, default=None),
        most_nodes=max((n.count for n in nodes), default=None),
        usd=spent_usd(samples),
        usd_per_hour_most=max((n.usd_per_hour for n in nodes), default=None),
        seconds=samples[-1].seconds if samples else 0.0,
    )


def curve(points: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    """Only the moments at which the number changed, the first included."""
    changes: list[tuple[float, int]] = []
    for seconds, count in points:
        if not changes or changes[-1][1] != count:
            changes.append((seconds, count))
    return tuple(changes)


def spike_to_ready(ready: Sequence[tuple[float, int]], spike_seconds: float | None) -> dict[int, float]:
    """For each number of replicas above what the spike found: how long after it so many were Ready, s."""
    if spike_seconds is None or not ready:
        return {}
    most = max((count for seconds, count in ready if seconds <= spike_seconds), default=ready[0][1])
    first: dict[int, float] = {}
    for seconds, count in ready:
        if seconds > spike_seconds:
            for level in range(most + 1, count + 1):
                first.setdefault(level, seconds - spike_seconds)
    return first


def spent_usd(samples: Sequence[LoadSample]) -> float | None:
    """Dollars of the run: each moment's price until the next; None when no moment had one."""
    priced = [(s.seconds, s.nodes.usd_per_hour) for s in samples if s.nodes]
    if not priced:
        return None
    return sum(usd * (then - now) for (now, usd), (then, _) in pairwise(priced)) / 3600
