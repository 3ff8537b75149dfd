"""Searches the throughput model's constants on the fit part: `python -m bench.foresight fitting`, two minutes.

A random walk on the mean error (logarithm, capped at a factor of three; rows of the V1 engine weigh four times V0's),
held near where it starts by a small penalty, for thirteen constants on ninety rows leave room for luck. It prints; what
planning/throughput/efficiency.py has was rounded from two seeds by hand. The score part is not read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from math import log

from planning.throughput.efficiency import EFFICIENCY, Efficiency
from tests.planning.throughput_samples import Measured, all_samples

# What is searched, and between which bounds a data sheet's share or a host's work makes sense.
BOUNDS = {
    "bandwidth": (0.6, 0.92),
    "cache_bandwidth.v1": (0.2, 0.9),
    "cache_bandwidth.v0": (0.2, 0.7),
    "attention": (0.3, 0.85),
    "flops.none": (0.4, 0.85),
    "flops.fp8": (0.4, 0.85),
    "flops.int8": (0.2, 0.8),
    "weight_only": (0.15, 0.8),
    "machete": (0.2, 0.8),
    "activation_order": (0.1, 0.6),
    "widened_8_bit": (0.3, 0.7),
    "cache_fill": (0.5, 0.97),
    "ridge": (1.2, 20),
    "host_seconds.v1": (2e-4, 4e-3),
    "sequence_seconds.v1": (3e-6, 60e-6),
    "sequence_seconds.v0": (40e-6, 120e-6),
    "layer_seconds": (3e-6, 15e-6),
}
PENALTY, CAP, V1_WEIGHT = 0.015, 3.0, 4
SECONDS = 120


def main(seed: int = 1) -> None:
    """Prints the error before and after, and the constants found."""
    rows = [row for row in all_samples() if row.part == "fit"]
    start = {name: read_constant(EFFICIENCY, name) for name in BOUNDS}
    best, least = dict(start), _error(start, start, rows)
    print(f"{len(rows)} rows, seed {seed}: {least:.4f}", flush=True)
    drawn, size, until = random.Random(seed), 0.25, time.monotonic() + SECONDS
    while time.monotonic() < until:
        tried = dict(best)
        for name in drawn.sample(list(BOUNDS), drawn.choice([1, 1, 2, 3])):
            low, high = BOUNDS[name]
            tried[name] = min(high, max(low, tried[name] * (1 + drawn.gauss(0, size))))
        error = _error(tried, start, rows)
        if error < least:
            best, least = tried, error
        size = max(0.04, size * 0.998)
    print(f"{least:.4f}: " + ", ".join(f"{name} {value:.3g}" for name, value in best.items()))


def _error(values: Mapping[str, float], start: Mapping[str, float], rows: list[Measured]) -> float:
    reached, total, weights = with_constants(values), 0.0, 0
    for row in rows:
        weight = V1_WEIGHT if row.is_v1 else 1
        total += weight * min(log(row.factor(reached)), log(CAP))
        weights += weight
    return total / weights + PENALTY * sum(log(values[name] / start[name]) ** 2 for name in values)


def read_constant(reached: Efficiency, name: str) -> float:
    field, _, key = name.partition(".")
    value = getattr(reached, field)
    return float(value[key] if key else value)


def with_constants(values: Mapping[str, float]) -> Efficiency:
    made: dict[str, object] = {}
    for name, value in values.items():
        field, _, key = name.partition(".")
        if not key:
            made[field] = value
            continue
        field_values = made.setdefault(field, dict(getattr(EFFICIENCY, field)))
        assert isinstance(field_values, dict)
        field_values[key] = value
    return replace(EFFICIENCY, **made)  # type: ignore[arg-type]
