"""Generated request streams: Poisson, bursts, days and weeks; the same seed gives the same requests.

Shapes follow published statistics: lengths are lognormal, fitted to Azure's conversation trace of 2023 (mean 1155 and
median 1020 in, 211 and 129 out); a day peaks in the afternoon and falls to a fifth at night, weekends to 60 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from simulation.engine_limits import PICOSECONDS
from simulation.traces import Requests

DAY_SECONDS = 86_400
_SLICE_SECONDS = 600.0
KINDS = "poisson:RATE, burst:BASE,PEAK[,EVERY_S,LENGTH_S], diurnal:MEAN[,DAYS]"


@dataclass(frozen=True)
class Lengths:
    """Mean tokens of prompts and answers; the spread is a lognormal's mean ÷ median."""

    input_tokens: float = 1155.0
    output_tokens: float = 211.0
    input_spread: float = 1155 / 1020
    output_spread: float = 211 / 129
    most_tokens: int = 8000


Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """A rate over time, requests per second, and how long it lasts."""

    text: str
    rate: Callable[[Seconds], Seconds]
    highest_rate: float
    duration_seconds: float


def profile(text: str, duration_seconds: float | None = None) -> Profile:
    """Reads `poisson:2`, `burst:1,8,900,60`, `diurnal:5,7`; raises ValueError with the forms."""
    kind, _, rest = text.partition(":")
    try:
        numbers = [float(number) for number in rest.split(",")]
    except ValueError:
        numbers = []
    fine = bool(numbers) and all(0 < number < 1e6 for number in numbers)
    if kind == "poisson" and fine and len(numbers) == 1:
        return Profile(text, lambda second: np.full_like(second, numbers[0]), numbers[0], duration_seconds or 3600.0)
    if kind == "burst" and fine and len(numbers) in (2, 3, 4):
        return _burst(text, numbers, duration_seconds)
    if kind == "diurnal" and fine and len(numbers) in (1, 2):
        return _diurnal(text, numbers, duration_seconds)
    raise ValueError(f"--profile {text!r}: write one of {KINDS}")


def generate(chosen: Profile, lengths: Lengths, seed: int) -> Iterator[Requests]:
    """The requests of a profile, ten minutes at a time."""
    rng = np.random.default_rng(seed)
    start = 0.0
    while start < chosen.duration_seconds:
        span = min(_SLICE_SECONDS, chosen.duration_seconds - start)
        count = int(rng.poisson(chosen.highest_rate * span))
        times = start + np.sort(rng.random(count)) * span
        keep = rng.random(count) * chosen.highest_rate < chosen.rate(times)
        times = times[keep]
        inputs = _lognormal(rng, times.size, lengths.input_tokens, lengths.input_spread, lengths.most_tokens)
        outputs = _lognormal(rng, times.size, lengths.output_tokens, lengths.output_spread, lengths.most_tokens)
        start += span
        if times.size:
            yield Requests(np.round(times * PICOSECONDS).astype(np.int64), inputs, outputs)


def _lognormal(
    rng: np.random.Generator, count: int, mean: float, spread: float, most: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    sigma = sqrt(2 * log(max(1.0, spread)))
    drawn = np.exp(rng.standard_normal(count) * sigma + log(mean / max(1.0, spread)))
    return np.clip(np.round(drawn), 1, most).astype(np.int64)


def _burst(text: str, numbers: list[float], duration_seconds: float | None) -> Profile:
    base, peak = numbers[0], numbers[1]
    every = numbers[2] if len(numbers) > 2 else 900.0
    length = numbers[3] if len(numbers) > 3 else 60.0

    def rate(second: Seconds) -> Seconds:
        return np.where(second % every >= every - length, peak, base)

    return Profile(text, rate, max(base, peak), duration_seconds or 3600.0)


def _diurnal(text: str, numbers: list[float], duration_seconds: float | None) -> Profile:
    mean = numbers[0]
    days = numbers[1] if len(numbers) > 1 else 1.0
    # (1 - cos)/2 squared is a broad afternoon and a long night; its mean is 3/8, so 0.2 + 0.8 × 3/8 = 0.5.
    weekend = 0.6

    def rate(second: Seconds) -> Seconds:
        hour_angle = 2 * pi * (second % DAY_SECONDS / DAY_SECONDS - 3 / 24)
        shape = 0.2 + 0.8 * ((1 - np.cos(hour_angle)) / 2) ** 2
        return mean * shape / 0.5 * np.where(second // DAY_SECONDS % 7 >= 5, weekend, 1.0)

    return Profile(text, rate, 2 * mean, duration_seconds or days * DAY_SECONDS)
