"""The requests of a run before it begins: moments and lengths from the simulator's seeded profiles.

The same streams as `python -m planning simulate` reads, so that a live run and a simulated one see the same requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from local.load.options import Options
from simulation.engine_limits import PICOSECONDS
from simulation.profiles import DAY_SECONDS, Lengths, Profile, Seconds, generate, profile

QUIET_SHARE = 0.1
"""A burst's rate outside the burst, as a share of its peak."""


@dataclass(frozen=True)
class Arrival:
    """One request to be sent `seconds` after the start of the run."""

    seconds: float
    input_tokens: int
    output_tokens: int


def shape_of(options: Options) -> Profile:
    """The rate over the run. burst: a third quiet, a third at `rate`, a third quiet; diurnal: one day, compressed."""
    rate, seconds = options.rate, options.seconds
    if options.profile == "steady":
        return profile(f"poisson:{rate}", seconds)
    if options.profile == "burst":
        return profile(f"burst:{rate * QUIET_SHARE},{rate},{seconds * 2 / 3},{seconds / 3}", seconds)
    day = profile(f"diurnal:{rate / 2}")  # its afternoon is twice its mean

    def compressed(second: Seconds) -> Seconds:
        return day.rate(second * (DAY_SECONDS / seconds))

    return Profile(f"{day.text} compressed to {seconds:g} s", compressed, day.highest_rate, seconds)


def spike_seconds(options: Options) -> float | None:
    """When the load jumps, s after the start; None for a day, which has no such moment."""
    return {"steady": 0.0, "burst": options.seconds / 3}.get(options.profile)


def arrivals(options: Options, max_model_len: int) -> tuple[list[Arrival], int]:
    """The requests in order, and how many more the profile had than `most_requests`.

    Prompt and answer together fit `max_model_len` tokens: a request that the model refuses for its length would tell
    nothing about the platform. Answers end at `longest_output_tokens`, as with clients that set max_tokens.
    """
    lengths = Lengths(
        input_tokens=float(options.input_tokens),
        output_tokens=float(options.output_tokens),
        most_tokens=max(1, max_model_len // 2),
    )
    stream = (
        Arrival(time / PICOSECONDS, int(inputs), min(int(outputs), options.longest_output_tokens))
        for piece in generate(shape_of(options), lengths, options.seed)
        for time, inputs, outputs in zip(
            piece.arrivals_ps.tolist(), piece.inputs.tolist(), piece.outputs.tolist(), strict=True
        )
    )
    kept = list(islice(stream, options.most_requests))
    return kept, sum(1 for _ in stream)


def before(planned: Sequence[Arrival], seconds: float) -> int:
    """How many of them come before this moment."""
    return sum(arrival.seconds < seconds for arrival in planned)
