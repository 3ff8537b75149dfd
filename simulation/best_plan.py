"""The oracle: the cheapest replicas by time that keep the SLO, found with hindsight.

Time is cut into segments of five minutes. For each of them, and for each number of replicas that comes into question,
the kernel tells how many requests leave their SLO when that many replicas serve it, the minutes before it included.
Which number each segment gets is then an exact dynamic program: GPU time, what a start and a stop cost on top, and a
price per missed request; the price is moved until as many requests are missed as may be.

The program's dual value is a lower bound for every plan that changes between segments only, as far as a segment's
misses depend on its own replicas alone. They hardly do otherwise, but the simulator judges: the plan is run as a whole,
and the number of misses that the program may spend is moved until the run holds the SLO. What is left between the run
and the bound is told with every outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Fleet
from simulation.outcome import SimulatedSlo
from simulation.traces import Requests

SEGMENT_SECONDS = 300.0
WARM_UP_SECONDS = 120.0
_MISSES_WORTH_FEWER_REPLICAS = 0.5  # a share of misses below which fewer replicas are tried
_HIT_ENOUGH = 2e-4  # and a share at which more do not help
_IDLE_TRIES = 4
_HIGHEST_PRICE = 1e9  # replica seconds per miss
_FREE = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Misses:
    """By segment and number of replicas: requests that leave their SLO; `last_share`: what the last segment lasts."""

    missed: Floats
    requests: NDArray[np.int64]
    last_share: float = 1.0

    @property
    def most(self) -> int:
        """The largest number of replicas in the table."""
        return int(self.missed.shape[1]) - 1


@dataclass(frozen=True)
class Costs:
    """Seconds of a replica's bill: of serving a segment, of starting and of stopping."""

    segment: float
    start: float
    stop: float


@dataclass(frozen=True)
class Segmented:
    """Replicas by segment, what they cost in replica seconds, and what no such plan can fall below."""

    replicas: tuple[int, ...]
    seconds: float
    missed: float
    bound_seconds: float


def misses(
    engine: EngineModel,
    slo: SimulatedSlo,
    trace: Iterable[Requests],
    expected: Floats,
    fewest: int,
    most: int | None,
    seed: int,
) -> Misses:
    """Runs each segment with several numbers of replicas; `expected`: about how many a segment keeps busy."""
    fleet, draws = Fleet(engine), np.random.default_rng([seed, 7])
    rows: list[dict[int, float]] = []
    counts: list[int] = []
    number, end_ps = 0, 0
    for number, (part, warm) in enumerate(_segments(trace)):
        end_ps = int(part.arrivals_ps[-1]) if part.arrivals_ps.size else end_ps
        count = part.inputs.size - warm
        counts.append(count)
        random = draws.random(part.inputs.size)
        near = max(fewest, ceil(float(expected[min(number, expected.size - 1)])), 1)
        near = near if most is None else min(near, most)
        rows.append(_row(fleet, slo, part, warm, random, near, fewest, most))
    width = max(max(row) for row in rows) + 1
    table = np.array([_filled(row, count, width) for row, count in zip(rows, counts, strict=True)])
    table[:, : max(0, fewest)] = np.inf
    last_share = end_ps / PICOSECONDS / SEGMENT_SECONDS - number
    return Misses(table, np.array(counts, np.int64), min(1.0, max(0.0, last_share)))


def cheapest(misses: Misses, costs: Costs, may_miss: float) -> Segmented:
    """The dynamic program at the price per miss that just keeps to `may_miss`; where none does, what misses least."""
    low, high = 0.0, 1.0
    best = _program(misses, costs, high)
    while best[2] > may_miss and high < _HIGHEST_PRICE:
        low, high = high, high * 4
        best = _program(misses, costs, high)
    if best[2] > may_miss:
        return Segmented(tuple(best[0]), best[1], best[2], best[1])
    bound = best[1] + high * (best[2] - may_miss)
    while high - low > max(1e-3 * high, _FREE):
        price = (low + high) / 2
        tried = _program(misses, costs, price)
        bound = max(bound, tried[1] + price * (tried[2] - may_miss))
        if tried[2] <= may_miss:
            high, best = price, tried
        else:
            low = price
    return Segmented(tuple(best[0]), best[1], best[2], bound)


def _program(misses: Misses, costs: Costs, price: float) -> tuple[list[int], float, float]:
    """Viterbi: the replicas of each segment that cost least with misses at that price; their seconds, their misses."""
    segments, width = misses.missed.shape
    counts = np.arange(width, dtype=np.float64)
    rise = np.maximum(counts[None, :] - counts[:, None], 0) * costs.start
    move = rise + np.maximum(counts[:, None] - counts[None, :], 0) * costs.stop
    serving = counts * costs.segment
    total = serving + price * misses.missed[0]
    came = np.zeros((segments, width), np.int64)
    for segment in range(1, segments):
        ways = total[:, None] + move
        came[segment] = ways.argmin(axis=0)
        share = misses.last_share if segment == segments - 1 else 1.0
        total = ways.min(axis=0) + serving * share + price * misses.missed[segment]
    place = int(total.argmin())
    chosen = [place]
    for segment in range(segments - 1, 0, -1):
        place = int(came[segment, place])
        chosen.append(place)
    chosen.reverse()
    missed = float(sum(misses.missed[index, count] for index, count in enumerate(chosen)))
    seconds = float(total.min()) - price * missed
    return chosen, seconds, missed


def _segments(trace: Iterable[Requests]) -> Iterator[tuple[Requests, int]]:
    """Requests of each segment behind those of the warm-up before it, and how many of them are warm-up."""
    size_ps, warm_ps = round(SEGMENT_SECONDS * PICOSECONDS), round(WARM_UP_SECONDS * PICOSECONDS)
    held, number = Requests(*(np.zeros(0, np.int64) for _ in range(3))), 0
    for chunk in trace:
        held = _joined(held, chunk)
        while held.arrivals_ps.size and held.arrivals_ps[-1] >= (number + 1) * size_ps:
            yield _cut(held, number * size_ps, warm_ps, (number + 1) * size_ps)
            number += 1
            keep = int(np.searchsorted(held.arrivals_ps, number * size_ps - warm_ps))
            held = Requests(held.arrivals_ps[keep:], held.inputs[keep:], held.outputs[keep:])
    yield _cut(held, number * size_ps, warm_ps, (number + 1) * size_ps)


def _cut(held: Requests, start_ps: int, warm_ps: int, end_ps: int) -> tuple[Requests, int]:
    first, begin, last = np.searchsorted(held.arrivals_ps, [start_ps - warm_ps, start_ps, end_ps])
    part = Requests(held.arrivals_ps[first:last], held.inputs[first:last], held.outputs[first:last])
    return part, int(begin - first)


def _joined(one: Requests, other: Requests) -> Requests:
    if not one.arrivals_ps.size:
        return other
    return Requests(
        np.concatenate([one.arrivals_ps, other.arrivals_ps]),
        np.concatenate([one.inputs, other.inputs]),
        np.concatenate([one.outputs, other.outputs]),
    )


def _row(
    fleet: Fleet,
    slo: SimulatedSlo,
    part: Requests,
    warm: int,
    random: Floats,
    near: int,
    fewest: int,
    most: int | None,
) -> dict[int, float]:
    """Misses of one segment by number of replicas: upwards until more do not help, downwards until fewer are absurd."""
    count = part.inputs.size - warm
    if count == 0:
        return {max(0, fewest): 0.0}
    step = max(1, near // 16)
    row = {near: _missed(fleet, slo, part, warm, random, near)}
    top, idle = near, 0
    while row[top] > _HIT_ENOUGH * count and idle < _IDLE_TRIES and (most is None or top < most):
        before = min(row.values())
        top = top + step if most is None else min(most, top + step)
        row[top] = _missed(fleet, slo, part, warm, random, top)
        # What misses however many there are.
        idle = idle + 1 if row[top] > 0.97 * before and row[top] < _MISSES_WORTH_FEWER_REPLICAS * count else 0
        step = max(step, top // 12)
    low, step = near, max(1, near // 16)
    while row[low] < _MISSES_WORTH_FEWER_REPLICAS * count and low > max(1, fewest):
        low = max(1, fewest, low - step)
        row[low] = _missed(fleet, slo, part, warm, random, low)
    return row


def _missed(fleet: Fleet, slo: SimulatedSlo, part: Requests, warm: int, random: Floats, replicas: int) -> float:
    start_ps = int(part.arrivals_ps[0])
    places = np.array([fleet.start(start_ps) for _ in range(replicas)], np.int64)
    fleet.send(part.arrivals_ps, part.inputs, part.outputs, random, (0, part.inputs.size), places)
    ended = fleet.run_until(2**62)
    for place in places:
        fleet.stop(int(place))
    asked = ended.arrival >= (part.arrivals_ps[warm] if warm < part.arrivals_ps.size else start_ps)
    first = (ended.first_token - ended.arrival) / PICOSECONDS + fleet.engine.frontend_seconds
    per_token = (ended.done - ended.first_token) / PICOSECONDS / np.maximum(ended.outputs - 1, 1)
    kept = (first <= slo.ttft_seconds) & (per_token <= slo.tpot_seconds)
    return float((asked & ~kept).sum())


def _filled(row: dict[int, float], count: int, width: int) -> Floats:
    """Between the numbers that were tried the line; above them the last one; below them everything misses."""
    tried = sorted(row)
    filled = np.interp(np.arange(width), tried, [row[count] for count in tried])
    filled[: tried[0]] = count
    return np.minimum.accumulate(filled)
