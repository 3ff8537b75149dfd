"""What no policy without foresight falls below: the cheapest replicas by time for one that knows all but chance.

The oracle sees every burst coming; a policy cannot. This bound is of a policy that is given more than any has: the
level of the load and of the lengths, for every minute to come, the distribution of noise and bursts, and each
burst whole in the moment it begins. What it does not know is when bursts begin and what the next minutes' noise is, so
whatever it decides is there a cold start later. From that moment on it is taken to miss nothing, for nothing. Every
cold start all queues vanish, for nothing too. Each of these makes the bound lower, never higher.

Left is one decision by segment, replicas for the level alone, since noise and bursts of one moment say nothing of the
next: the expected misses of each number are counted with the engine's kernel on replicas of their own (kube-proxy's
routing is random, so a replica of a pool sees the load ÷ replicas), and the oracle's program finds the cheapest that
misses few enough. Its dual value is the bound. It is one on the mean over all days with this level: a day can be
luckier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planning.model.demand import Capacity
from simulation.best_plan import SEGMENT_SECONDS, Costs, Misses, cheapest
from simulation.engine_limits import PICOSECONDS
from simulation.fleet import Fleet
from simulation.lifelike import MINUTE_SECONDS, Lifelike, length_factors, lengths, minute_rates
from simulation.traces import Requests
from simulation.world import Setting

WARM_UP_SECONDS = 60.0
_LIGHTEST = 0.02  # of a replica's time at a full batch
_HEAVIEST = 1.6
_DAY_SECONDS = 86_400.0
_SEGMENT_MINUTES = round(SEGMENT_SECONDS / MINUTE_SECONDS)

Floats = NDArray[np.float64]


class Traced(Protocol):
    """A trace and what it runs on."""

    @property
    def setting(self) -> Setting:
        """Engine, supply, SLO."""
        ...

    @property
    def what(self) -> Lifelike:
        """What varies."""
        ...

    @property
    def seed(self) -> int:
        """Of the level and the lengths."""
        ...


@dataclass(frozen=True)
class Chance:
    """By requests per second of one replica: the share missed by noise, and how many a burst costs that replica."""

    rates: Floats
    share: Floats
    per_burst: Floats

    def misses_per_second(self, rates: Floats, replicas: Floats, bursts_per_second: float) -> Floats:
        """Expected, of so many requests per second on so many replicas."""
        per_replica = rates / replicas
        noise = rates * np.interp(per_replica, self.rates, self.share, right=1.0)
        return noise + replicas * bursts_per_second * np.interp(per_replica, self.rates, self.per_burst)


def chance(
    setting: Setting, what: Lifelike, capacity: Capacity, seed: int, *, loads: int = 18, windows: int = 120
) -> Chance:
    """Counted with the kernel, on so many replicas at each of so many loads, from light to more than one can."""
    rates = np.geomspace(_LIGHTEST, _HEAVIEST, loads) / capacity.share(what.input_tokens, what.output_tokens)
    noise, bursts = (
        [_counted(setting, what, float(rate), (seed, windows, burst)) for rate in rates] for burst in (False, True)
    )
    share = _rising([missed / max(1.0, asked) for missed, asked in noise])
    cold = setting.supply.cold_start.mean_seconds
    more = [missed / windows - rate * cold * part for (missed, _), rate, part in zip(bursts, rates, share, strict=True)]
    return Chance(rates, share, _rising(more))


def _rising(counted: list[float]) -> Floats:
    """What chance put above a later value is cut, never the later one raised: the bound may be too low only."""
    rising: Floats = np.minimum.accumulate(np.maximum(0.0, counted)[::-1])[::-1]
    return rising


def bound_gpu_hours(trace: Traced, capacity: Capacity, chance: Chance, share: float, most: int) -> float:
    """GPU-hours that no policy without foresight stays below on average if this share is to hold the SLO.

    `most`: replicas that are looked at.
    """
    setting, what, seed = trace.setting, trace.what, trace.seed
    level = minute_rates(replace(what, bursts_per_day=0.0, minute_shape=1e12), seed)
    work = _work(what, capacity, seed)
    burst_share = _burst_share(what)
    segments = ceil(level.size / _SEGMENT_MINUTES)
    counts = np.arange(1, most + 1, dtype=np.float64)
    missed = np.full((segments, most + 1), np.inf)
    for segment in range(segments):
        part = slice(segment * _SEGMENT_MINUTES, (segment + 1) * _SEGMENT_MINUTES)
        heavy = level[part] * work[part]  # as many requests of mean length as do the same work
        of_one = chance.misses_per_second(heavy[:, None], counts[None, :], what.bursts_per_day / _DAY_SECONDS)
        missed[segment, 1:] = (of_one / work[part][:, None]).sum(axis=0) * MINUTE_SECONDS
    requests = level.sum() * MINUTE_SECONDS * (1 + burst_share)
    supply = setting.supply
    costs = Costs(SEGMENT_SECONDS, supply.cold_start.mean_seconds, supply.pre_stop_seconds + supply.idle_node_seconds)
    table = Misses(missed, np.full(segments, round(requests / segments)), _last_share(level.size))
    program = cheapest(table, costs, (1 - share) * requests)
    return program.bound_seconds / 3600 * supply.gpus_per_node / supply.pods_per_node


def _last_share(minutes: int) -> float:
    return (minutes % _SEGMENT_MINUTES or _SEGMENT_MINUTES) / _SEGMENT_MINUTES


def _burst_share(what: Lifelike) -> float:
    """Requests that bursts add, ÷ the others."""
    longest = sum(what.burst_minutes) / 2 * MINUTE_SECONDS
    return what.bursts_per_day / _DAY_SECONDS * longest * (sum(what.burst_factors) / 2 - 1)


def _work(what: Lifelike, capacity: Capacity, seed: int) -> Floats:
    """By minute, the work in a request ÷ what one of the mean lengths takes."""
    prompts, answers = length_factors(what, seed)
    prompt, answer = capacity.share(what.input_tokens, 0.0), capacity.share(0.0, what.output_tokens)
    work: Floats = (prompts * prompt + answers * answer) / (prompt + answer)
    return work


def _counted(setting: Setting, what: Lifelike, rate: float, run: tuple[int, int, bool]) -> tuple[float, float]:
    """Misses and requests of many replicas, each of its own chance, within a cold start of an idle beginning."""
    seed, windows, burst = run
    rng = np.random.default_rng([seed, round(rate * 1e6), int(burst)])
    cold = setting.supply.cold_start.mean_seconds
    minutes = ceil((WARM_UP_SECONDS + cold) / MINUTE_SECONDS)
    noise = rng.gamma(what.minute_shape, 1 / what.minute_shape, (windows, minutes))
    if burst:
        first = round(WARM_UP_SECONDS / MINUTE_SECONDS)
        lasts = np.maximum(1, np.round(rng.uniform(*what.burst_minutes, windows)))
        factors = rng.uniform(*what.burst_factors, windows)
        minute = np.arange(minutes)[None, :]
        inside = (minute >= first) & (minute < first + lasts[:, None])
        noise = np.where(inside, noise * factors[:, None], noise)
    counts = rng.poisson(rate * noise * MINUTE_SECONDS)
    window = np.repeat(np.repeat(np.arange(windows), minutes), counts.ravel())
    minute_of = np.repeat(np.tile(np.arange(minutes), windows), counts.ravel())
    times = (minute_of + rng.random(window.size)) * MINUTE_SECONDS
    order = np.argsort(times, kind="stable")
    times, window = times[order], window[order]
    inputs = lengths(rng, np.full(times.size, what.input_tokens), what.input_variation, what.most_tokens)
    outputs = lengths(rng, np.full(times.size, what.output_tokens), what.output_variation, what.most_tokens)
    outputs = np.minimum(outputs, setting.engine.max_model_len - inputs)
    arrivals = np.round(times * PICOSECONDS).astype(np.int64)
    return _missed(setting, windows, Requests(arrivals, inputs, outputs), (window + 0.5) / windows)


def _missed(setting: Setting, windows: int, asked_for: Requests, draws: Floats) -> tuple[float, float]:
    fleet, slo = Fleet(setting.engine, windows), setting.slo
    places = np.array([fleet.start(0) for _ in range(windows)], np.int64)
    span = (0, asked_for.arrivals_ps.size)
    fleet.send(asked_for.arrivals_ps, asked_for.inputs, asked_for.outputs, draws, span, places)
    ended = fleet.run_until(2**62)
    begin = round(WARM_UP_SECONDS * PICOSECONDS)
    end = begin + round(setting.supply.cold_start.mean_seconds * PICOSECONDS)
    asked = (ended.arrival >= begin) & (ended.arrival < end)
    first = (ended.first_token - ended.arrival) / PICOSECONDS + setting.engine.frontend_seconds
    per_token = (ended.done - ended.first_token) / PICOSECONDS / np.maximum(ended.outputs - 1, 1)
    kept = (first <= slo.ttft_seconds) & (per_token <= slo.tpot_seconds)
    return float((asked & ~kept).sum()), float(asked.sum())
