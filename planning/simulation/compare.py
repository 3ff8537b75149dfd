"""Several policies on one trace, and the oracle they are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from planning.scaling_policy import Capacity, Tuning, capacity
from planning.simulation.oracle import Future, Survey, survey
from planning.simulation.outcome import Outcome
from planning.simulation.policies import POLICIES, Given, policy
from planning.simulation.traces import Requests
from planning.simulation.world import Setting, World
from planning.throughput import Traffic

ORACLE_ATTAINMENT = 0.99
# Room for chance that the oracle tries, from little to much: utilization, slack, bins of 15 s that a peak is averaged over.
# The first that holds the SLO is the oracle; bursts want short bins, short answers much room.
_ORACLE_ROOM = (
    *((1.0, 0.0, 4), (0.95, 0.2, 4), (0.9, 0.3, 4), (0.85, 0.4, 4), (0.8, 0.5, 4), (0.75, 0.6, 4), (0.7, 0.9, 4)),
    *((0.6, 1.2, 4), (0.5, 1.6, 4), (0.4, 2.0, 2), (0.3, 2.5, 2), (0.25, 3.0, 1), (0.2, 3.5, 1), (0.15, 4.0, 1)),
)

Trace = Callable[[], Iterator[Requests]]


@dataclass(frozen=True)
class Bounds:
    """Fewest and most replicas; most None: the oracle's peak."""

    fewest: int = 1
    most: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class Case:
    """A setting and a trace, looked at once: capacity of a replica, what is to come, and the bounds."""

    setting: Setting
    trace: Trace
    survey: Survey
    given: Given
    oracle: Outcome


def case(setting: Setting, trace: Trace, bounds: Bounds, tuning: Tuning | None = None) -> Case:
    """Reads the trace for its lengths and its future, and finds the oracle."""
    seen = survey(trace())
    traffic = Traffic(seen.mean_input_tokens, seen.mean_output_tokens)
    slo = setting.slo
    engine = setting.engine
    what = capacity(engine.costs, engine.most_concurrent(traffic), traffic, slo.ttft_seconds, slo.tpot_seconds)
    ahead = seen.future(what)
    cold = setting.supply.cold_start.mean_seconds
    given, best = _oracle(setting, trace, ahead, what, cold, bounds)
    return Case(setting, trace, seen, replace(given, tuning=tuning), best)


def run(found: Case, names: Sequence[str]) -> list[Outcome]:
    """The outcome of each policy, in the order asked; raises LookupError for an unknown name."""
    makers = [(name, policy(name)) for name in names]
    outcomes = []
    for name, make in makers:
        if name == "oracle":
            outcomes.append(found.oracle)
        else:
            outcomes.append(World(found.setting, make(found.given)).run(found.trace()))
    return outcomes


def _oracle(
    setting: Setting, trace: Trace, ahead: Future, what: Capacity, cold: float, bounds: Bounds
) -> tuple[Given, Outcome]:
    """The cheapest room for chance that holds the SLO; the best attainment where none does."""
    best: tuple[Given, Outcome] | None = None
    for utilization, slack, smooth_bins in _ORACLE_ROOM:
        read = replace(ahead, utilization=utilization, slack=slack, smooth_bins=smooth_bins)
        most = bounds.most or max(1, bounds.fewest, read.peak)
        # Everybody starts with what the oracle starts with: the trace begins in the middle of something.
        start = bounds.start or read.schedule(cold, bounds.fewest, most)[1][0]
        given = Given(what, cold, bounds.fewest, most, start, read)
        outcome = World(setting, POLICIES["oracle"](given)).run(trace())
        if best is None or outcome.slo_attainment > best[1].slo_attainment:
            best = given, outcome
        if outcome.slo_attainment >= ORACLE_ATTAINMENT:
            break
    assert best is not None
    return best
