"""Recorded traces as workloads: one half is tuned on, the other scored, and the rate is scaled to a size of fleet.

A rate is scaled without touching its shape: requests are left out at random, or laid over themselves with other times
of the same minute. The seed says which; it is the seed of routing and cold starts too. Sources, licences:
tests/reference/README.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from simulation.engine_limits import PICOSECONDS
from simulation.traces import Requests, read_trace
from tests import reference_data

HALVES = {"tuning": 0, "scoring": 1}
"""Which half of a trace's time belongs to which part."""
FILES = {"conversation": "AzureLLMInferenceTrace_conv.csv", "code": "AzureLLMInferenceTrace_code.csv"}
_SHIFT_SECONDS = 30.0  # of a request that is there again: the rate by the minute stays what it was


@dataclass(frozen=True)
class RecordedTrace:
    """Half of a recorded trace (0: first, 1: second) at `scale` times its rate."""

    name: str
    half: int
    scale: float


def recorded(what: RecordedTrace, seed: int) -> Iterator[Requests]:
    """The requests in one chunk; the same seed gives the same ones."""
    rng = np.random.default_rng([seed, 5])
    half = _halves(what.name)[what.half]
    whole, part = divmod(what.scale, 1.0)
    copies = int(whole) + (rng.random(half.inputs.size) < part)
    places = np.repeat(np.arange(half.inputs.size), copies)
    again = np.concatenate(([False], places[1:] == places[:-1]))
    shift = np.where(again, rng.uniform(-_SHIFT_SECONDS, _SHIFT_SECONDS, places.size), 0.0)
    last = half.arrivals_ps[-1]
    times = np.clip(half.arrivals_ps[places] + np.round(shift * PICOSECONDS).astype(np.int64), 0, last)
    order = np.argsort(times, kind="stable")
    yield Requests(times[order], half.inputs[places][order], half.outputs[places][order])


@lru_cache(maxsize=4)
def _halves(name: str) -> tuple[Requests, Requests]:
    """Both halves of a trace's time, each from its own beginning."""
    with tempfile.TemporaryDirectory() as folder:
        chunks = list(read_trace(reference_data.trace(FILES[name], Path(folder))))
    times, inputs, outputs = (
        np.concatenate([getattr(chunk, column) for chunk in chunks]) for column in ("arrivals_ps", "inputs", "outputs")
    )
    middle = int(times[-1]) // 2
    cut = int(np.searchsorted(times, middle))
    return (
        Requests(times[:cut], inputs[:cut], outputs[:cut]),
        Requests(times[cut:] - middle, inputs[cut:], outputs[cut:]),
    )
