"""Days and weeks as services see them: a daily curve that no day repeats exactly.

On the curve of `profiles.py` (a broad afternoon, a quiet night, weekends at 60 %) lie, each from the seed: a level that
wanders (an autoregressive walk of the logarithm, a deviation of 0.2 that forgets half of itself in 90 minutes), noise
from minute to minute as BurstGPT fits it (arXiv 2401.17644: gamma-distributed concurrency), bursts (on average four a
day, two to twelve minutes of 1.5 to 3 times the rate), and a mix of lengths that drifts (prompts and answers each by a
factor whose deviation is 0.2 and that forgets half of itself in four hours).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from simulation.engine_limits import PICOSECONDS
from simulation.traces import Requests

MINUTE_SECONDS = 60.0
_MINUTES_PER_DAY = 1440
_SLICE_MINUTES = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lifelike:
    """What varies. Rates in requests per second; deviations are of logarithms, half-lives in minutes."""

    mean_rate: float
    days: float
    input_tokens: float = 1155.0
    output_tokens: float = 211.0
    input_variation: float = 0.75
    output_variation: float = 1.3
    most_tokens: int = 8000
    daily: bool = True
    level_deviation: float = 0.2
    level_half_life: float = 90.0
    minute_shape: float = 25.0
    bursts_per_day: float = 4.0
    burst_factors: tuple[float, float] = (1.5, 3.0)
    burst_minutes: tuple[float, float] = (2.0, 12.0)
    length_deviation: float = 0.2
    length_half_life: float = 240.0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.days * _MINUTES_PER_DAY * MINUTE_SECONDS


def lifelike(what: Lifelike, seed: int) -> Iterator[Requests]:
    """The requests, ten minutes at a time; the same seed gives the same ones."""
    rng = np.random.default_rng([seed, 1])
    rates = minute_rates(what, seed)
    prompts, answers = length_factors(what, seed)
    for first in range(0, rates.size, _SLICE_MINUTES):
        part = slice(first, min(first + _SLICE_MINUTES, rates.size))
        counts = rng.poisson(rates[part] * MINUTE_SECONDS)
        minutes = np.repeat(np.arange(part.start, part.stop), counts)
        if minutes.size == 0:
            continue
        times = np.sort((minutes + rng.random(minutes.size)) * MINUTE_SECONDS)
        within = np.minimum((times // MINUTE_SECONDS).astype(np.int64), rates.size - 1)
        inputs = lengths(rng, what.input_tokens * prompts[within], what.input_variation, what.most_tokens)
        outputs = lengths(rng, what.output_tokens * answers[within], what.output_variation, what.most_tokens)
        yield Requests(np.round(times * PICOSECONDS).astype(np.int64), inputs, outputs)


def minute_rates(what: Lifelike, seed: int) -> Floats:
    """Requests per second of each minute; their mean is the profile's but for what chance adds."""
    rng = np.random.default_rng([seed, 0])
    count = max(1, round(what.days * _MINUTES_PER_DAY))
    minute = np.arange(count, dtype=np.float64)
    rates = np.full(count, float(what.mean_rate))
    if what.daily:
        angle = 2 * pi * (minute % _MINUTES_PER_DAY / _MINUTES_PER_DAY - 3 / 24)
        rates *= (0.2 + 0.8 * ((1 - np.cos(angle)) / 2) ** 2) / 0.5
        rates *= np.where(minute // _MINUTES_PER_DAY % 7 >= 5, 0.6, 1.0)
    rates *= np.exp(_walk(rng, count, what.level_deviation, what.level_half_life))
    rates *= rng.gamma(what.minute_shape, 1 / what.minute_shape, count)
    for _ in range(int(rng.poisson(what.bursts_per_day * what.days))):
        start = int(rng.integers(count))
        length = max(1, round(float(rng.uniform(*what.burst_minutes))))
        rates[start : start + length] *= float(rng.uniform(*what.burst_factors))
    return rates


def length_factors(what: Lifelike, seed: int) -> tuple[Floats, Floats]:
    """By which prompts and answers of each minute are longer than usual."""
    minutes = max(1, round(what.days * _MINUTES_PER_DAY))
    deviation, half_life = what.length_deviation, what.length_half_life
    prompts, answers = (_walk(np.random.default_rng([seed, half]), minutes, deviation, half_life) for half in (2, 3))
    return np.exp(prompts), np.exp(answers)


def _walk(rng: np.random.Generator, count: int, deviation: float, half_life: float) -> Floats:
    """A stationary walk by the minute whose exponential has mean 1."""
    kept = exp(-log(2) / half_life)
    steps = rng.standard_normal(count) * deviation * sqrt(1 - kept * kept)
    walk = np.empty(count)
    level = float(rng.standard_normal()) * deviation
    for place, step in enumerate(steps.tolist()):
        level = kept * level + step
        walk[place] = level
    return walk - deviation * deviation / 2


def lengths(rng: np.random.Generator, means: Floats, variation: float, most: int) -> NDArray[np.int64]:
    """Lognormal lengths; `variation`: standard deviation ÷ mean."""
    sigma = sqrt(log(1 + variation * variation))
    drawn = np.exp(rng.standard_normal(means.size) * sigma - sigma * sigma / 2) * means
    return np.clip(np.round(drawn), 1, most).astype(np.int64)
