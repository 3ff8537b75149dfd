"""Several policies on one trace, and the oracle they are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from planning.model.demand import Capacity
from planning.scaling.policy import Tuning, capacity, decide
from planning.throughput.roofline import Traffic
from simulation.best_plan import SEGMENT_SECONDS, Costs, Floats, Misses, Segmented, cheapest, misses
from simulation.oracle import BIN_SECONDS, Future, Survey, survey
from simulation.outcome import Outcome
from simulation.own_scaling import OWN_POLICY
from simulation.policies import POLICIES, Given, policy
from simulation.scalers import Scaler, Scheduled
from simulation.traces import Requests
from simulation.world import Setting, World

# Shares of the misses allowed that the oracle's plan is made with; the cheapest that holds as a whole is taken.
_FIRST_SHARE = 0.9
_SHARES = (0.2, 1.5)
_RUNS = 5
_SEGMENT_BINS = round(SEGMENT_SECONDS / BIN_SECONDS)
_PLANS_AHEAD = 0.125  # of the cold start: its own spread

ORACLE = "oracle"

Trace = Callable[[], Iterator[Requests]]


@dataclass(frozen=True)
class Bounds:
    """Fewest and most replicas; most None: the oracle's peak. `start` None: what the oracle starts with."""

    fewest: int = 1
    most: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class Oracle:
    """The cheapest plan found, run as a whole; `bound_gpu_hours`: what no plan by segments falls below."""

    scaler: Scheduled
    outcome: Outcome
    bound_gpu_hours: float


@dataclass(frozen=True)
class Case:
    """A setting and a trace, looked at once: its lengths, capacity of a replica, what is to come, and the bounds.

    `own` makes the policy `stack`, the stack file's own, from the replicas it starts with. `oracle` None: not asked.
    """

    setting: Setting
    trace: Trace
    survey: Survey
    given: Given
    oracle: Oracle | None
    own: Callable[[int], Scaler] | None = None


def case(
    setting: Setting,
    trace: Trace,
    bounds: Bounds,
    tuning: Tuning | None = None,
    *,
    with_oracle: bool = True,
    known: Oracle | None = None,
) -> Case:
    """Reads the trace for its lengths and its future, and finds the oracle's plan where it is asked for.

    `known`: the oracle of this setting and trace, found before.

    The search runs every segment several times, so it costs many times what a policy's run does. Without it the peak
    and the start are what the policy's own count of replicas says of the load of five minutes.
    """
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
    best = known or (oracle(setting, trace, ahead, bounds) if with_oracle else None)
    replicas = best.scaler.replicas if best is not None else _counted(what, cold, ahead)
    most = bounds.most or max(1, bounds.fewest, *replicas)
    # All policies start alike, with what comes first: the trace begins in the middle of something.
    start = bounds.start or (replicas[0] if best is not None else min(most, max(1, bounds.fewest, replicas[0])))
    given_to_policy = Given(
        what, cold, bounds.fewest, most, start, ahead, best.scaler if best is not None else None, tuning
    )
    return Case(setting, trace, seen, given_to_policy, best)


def _counted(what: Capacity, cold_start_seconds: float, ahead: Future) -> list[int]:
    """Replicas for the mean load of each segment, as the scaling policy counts them."""
    demand = decide(what, cold_start_seconds, 1, 1).demand
    return [ceil(demand.replicas(float(load)) - 1e-9) for load in _by_segment(ahead)]


def _by_segment(ahead: Future) -> Floats:
    starts = np.arange(0, ahead.load.size, _SEGMENT_BINS)
    lengths = np.diff(np.append(starts, ahead.load.size))
    return np.add.reduceat(ahead.load, starts) / lengths


def run(compared: Case, names: Sequence[str]) -> list[Outcome]:
    """The outcome of each policy, in the order asked; raises LookupError for an unknown name."""
    for name in names:
        if name != OWN_POLICY:
            policy(name)
    best = compared.oracle
    return [best.outcome if best and name == ORACLE else _outcome(compared, name) for name in dict.fromkeys(names)]


def oracle(setting: Setting, trace: Trace, ahead: Future, bounds: Bounds) -> Oracle:
    """The cheapest plan whose run holds the SLO; where none does, the one that misses least."""
    expected = np.add.reduceat(ahead.load, np.arange(0, ahead.load.size, _SEGMENT_BINS)) / _SEGMENT_BINS
    table = misses(setting.engine, setting.slo, trace(), expected, max(1, bounds.fewest), bounds.most, setting.seed)
    allowed = (1 - setting.slo.share) * int(table.requests.sum())
    costs = _costs(setting)
    low, high = _SHARES
    share, best = _FIRST_SHARE, None
    for _ in range(_RUNS):
        scaler = _scheduled(setting, cheapest(table, costs, share * allowed))
        outcome = World(setting, scaler).run(trace())
        if best is None or _better(setting, outcome, best[1]):
            best = scaler, outcome
        holds = outcome.slo_attainment >= setting.slo.share
        low, high = (share, high) if holds else (low, share)
        share = (low * high) ** 0.5
    assert best is not None
    return Oracle(*best, _bound(setting, table, costs, allowed))


def _better(setting: Setting, one: Outcome, other: Outcome) -> bool:
    """The cheaper of two that hold the SLO; else the one that holds it, or comes nearer."""
    share = setting.slo.share
    if min(one.slo_attainment, other.slo_attainment) >= share:
        return one.gpu_hours < other.gpu_hours
    return one.slo_attainment > other.slo_attainment


def _bound(setting: Setting, table: Misses, costs: Costs, allowed: float) -> float:
    per_replica = setting.supply.gpus_per_node / setting.supply.pods_per_node
    return cheapest(table, costs, allowed).bound_seconds / 3600 * per_replica


def _costs(setting: Setting) -> Costs:
    """A start is billed from launch to Ready; a stop until the pod has drained and the node is given back."""
    supply = setting.supply
    return Costs(SEGMENT_SECONDS, supply.cold_start.mean_seconds, supply.pre_stop_seconds + supply.idle_node_seconds)


def _scheduled(setting: Setting, segmented: Segmented) -> Scheduled:
    """Each replica asked for a cold start before its segment; none let go that is needed again before that."""
    lead = setting.supply.cold_start.mean_seconds * (1 + _PLANS_AHEAD) + BIN_SECONDS
    ahead = ceil(lead / BIN_SECONDS)
    by_bin = np.repeat(np.array(segmented.replicas), _SEGMENT_BINS)
    counts = [int(by_bin[segment : segment + ahead + 1].max()) for segment in range(by_bin.size)]
    changes = [segment for segment, count in enumerate(counts) if segment == 0 or count != counts[segment - 1]]
    return Scheduled(ORACLE, [change * BIN_SECONDS for change in changes], [counts[change] for change in changes])


def _outcome(compared: Case, name: str) -> Outcome:
    scaling_given = compared.given
    if name != OWN_POLICY:
        scaler = POLICIES[name](scaling_given)
    elif compared.own is not None:
        scaler = compared.own(scaling_given.start_replicas)
    else:
        raise LookupError(f"policy {OWN_POLICY} is a stack file's own autoscaling; name one with --stack")
    return World(compared.setting, scaler).run(compared.trace())
