"""Several policies on one trace, and the oracle they are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planning.scaling.policy import Capacity, Tuning, capacity
from planning.simulation.engine_limits import PICOSECONDS
from planning.simulation.oracle import BIN_SECONDS, HOUR_BINS, Future, Survey, survey
from planning.simulation.outcome import Outcome
from planning.simulation.own_scaling import OWN_POLICY
from planning.simulation.policies import POLICIES, Given, policy
from planning.simulation.scalers import Scaler
from planning.simulation.traces import Requests
from planning.simulation.world import Setting, World
from planning.throughput.roofline import Traffic

ORACLE_ATTAINMENT = 0.99
# Room for chance that the oracle tries, least first: utilization, slack, bins of 15 s that a peak is averaged over.
# The first that holds the SLO in the busiest hour is the oracle; bursts want short bins, short answers much room.
_ORACLE_ROOM = (
    *((1.0, 0.0, 4), (0.95, 0.2, 4), (0.9, 0.3, 4), (0.85, 0.4, 4), (0.8, 0.5, 4), (0.75, 0.6, 4), (0.7, 0.9, 4)),
    *((0.6, 1.2, 4), (0.5, 1.6, 4), (0.45, 1.8, 4), (0.4, 2.0, 2), (0.35, 2.2, 2), (0.3, 2.5, 2), (0.25, 3.0, 1)),
    *((0.2, 3.5, 1), (0.15, 4.0, 1), (0.1, 4.5, 1), (0.07, 5.0, 1)),
)

Trace = Callable[[], Iterator[Requests]]


@dataclass(frozen=True)
class Bounds:
    """Fewest and most replicas; most None: the oracle's peak. `start` None: what the oracle starts with."""

    fewest: int = 1
    most: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class Case:
    """A setting and a trace, looked at once: its lengths, capacity of a replica, what is to come, and the bounds.

    `own` makes the policy `stack`, the stack file's own, from the replicas it starts with.
    """

    setting: Setting
    trace: Trace
    survey: Survey
    given: Given
    own: Callable[[int], Scaler] | None = None


def case(setting: Setting, trace: Trace, bounds: Bounds, tuning: Tuning | None = None) -> Case:
    """Reads the trace for its lengths and its future, and how much room the oracle needs in the busiest hour."""
    seen = survey(trace())
    traffic = Traffic(seen.mean_input_tokens, seen.mean_output_tokens)
    most_at_once = setting.engine.most_concurrent(traffic)
    what = capacity(
        setting.engine.costs,
        most_at_once,
        traffic,
        setting.slo.ttft_seconds,
        setting.slo.tpot_seconds,
        max_num_batched_tokens=setting.engine.max_num_batched_tokens,
        share=setting.slo.share,
    )
    ahead = seen.future(what)
    cold = setting.supply.cold_start.mean_seconds
    given = _given(_with_room(setting, trace, ahead, what, cold, bounds), what, cold, bounds)
    return Case(setting, trace, seen, replace(given, tuning=tuning))


def run(found: Case, names: Sequence[str]) -> list[Outcome]:
    """The outcome of each policy, in the order asked; raises LookupError for an unknown name."""
    for name in names:
        if name != OWN_POLICY:
            policy(name)
    wanted = list(dict.fromkeys(names))
    return [_oracle(found) if name == "oracle" else _outcome(found, found.given, name) for name in wanted]


def _oracle(found: Case) -> Outcome:
    """The oracle; with more room where what the busiest hour needs does not hold the SLO over the whole trace."""
    given = found.given
    outcome = _outcome(found, given, "oracle")
    first = next((n for n, room in enumerate(_ORACLE_ROOM) if room[0] <= given.future.utilization), 0)
    for utilization, slack, smooth_bins in _ORACLE_ROOM[first + 1 :]:
        if outcome.slo_attainment >= ORACLE_ATTAINMENT:
            break
        roomier = Future(given.future.load, utilization, slack, smooth_bins)
        tried = _outcome(found, replace(given, future=roomier), "oracle")
        if tried.slo_attainment <= outcome.slo_attainment:
            break
        outcome = tried
    return outcome


def _outcome(found: Case, given: Given, name: str) -> Outcome:
    if name != OWN_POLICY:
        scaler = POLICIES[name](given)
    elif found.own is not None:
        scaler = found.own(given.start_replicas)
    else:
        raise LookupError(f"policy {OWN_POLICY} is a stack file's own autoscaling; name one with --stack")
    return World(found.setting, scaler).run(found.trace())


def _given(read: Future, what: Capacity, cold: float, bounds: Bounds) -> Given:
    most = bounds.most or max(1, bounds.fewest, read.peak)
    # Everybody starts with what the oracle starts with: the trace begins in the middle of something.
    start = bounds.start or read.schedule(cold, bounds.fewest, most)[1][0]
    return Given(what, cold, bounds.fewest, most, start, read)


def _with_room(setting: Setting, trace: Trace, ahead: Future, what: Capacity, cold: float, bounds: Bounds) -> Future:
    """With the least room for chance that keeps the busiest hour in SLO, or that which comes nearest to it."""
    hours = np.convolve(ahead.load, np.ones(min(HOUR_BINS, ahead.load.size)), "valid")
    first = int(np.argmax(hours))
    load = ahead.load[first : first + HOUR_BINS]
    start_ps = round(first * BIN_SECONDS * PICOSECONDS)
    hour = list(_between(trace(), start_ps, start_ps + round(HOUR_BINS * BIN_SECONDS * PICOSECONDS)))
    best, highest = ahead, -1.0
    for utilization, slack, smooth_bins in _ORACLE_ROOM:
        given = _given(Future(load, utilization, slack, smooth_bins), what, cold, bounds)
        attained = World(setting, POLICIES["oracle"](given)).run(iter(hour)).slo_attainment
        if attained > highest:
            best, highest = Future(ahead.load, utilization, slack, smooth_bins), attained
        if attained >= ORACLE_ATTAINMENT:
            break
    return best


def _between(trace: Iterator[Requests], start_ps: int, end_ps: int) -> Iterator[Requests]:
    """A part of a trace, its clock begun anew."""
    for chunk in trace:
        first, last = np.searchsorted(chunk.arrivals_ps, [start_ps, end_ps])
        if last > first:
            times = chunk.arrivals_ps[first:last] - start_ps
            yield Requests(times, chunk.inputs[first:last], chunk.outputs[first:last])
        if last < chunk.arrivals_ps.size:
            return
