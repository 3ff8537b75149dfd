"""Autoscaling policies on the workloads of workloads.csv, beside an oracle and what no policy without foresight beats.

`python -m bench.foresight scaling` prints the scoring part, `tuning` the tuning part, `causes` where the default's
GPU-hours above the oracle's go, on the tuning part. `scaling=Azure` prints the rows with these letters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.foresight.recorded import RecordedTrace
from bench.foresight.workloads import Workload, workloads
from planning.scaling.policy import Tuning, tuning_for
from simulation.causal_bound import bound_gpu_hours, chance
from simulation.compare import Case
from simulation.lifelike import Lifelike
from simulation.outcome import Outcome
from simulation.policies import default
from simulation.scalers import Fixed, Scaler
from simulation.world import Setting, World

# One rule: busy replicas ÷ what one does within its SLO, at one target, found with hindsight for each workload.
TARGETS = (1.4, 1.15, 0.9, 0.7, 0.55, 0.4, 0.3, 0.2)
SINGLE = replace(
    tuning_for(), slack=0.0, slow_slack=0.0, spread_factor=0.0, lead_cold_starts=0.0, usual_seconds=1, learns=False
)
# Fleets by the oracle's peak (issue 14, C2): the last number of each size.
FLEETS = (3, 10, 50)
# What of the default is left out, one after the other, and what its hours are called.
CAUSES: tuple[tuple[str, Callable[[Tuning], Tuning]], ...] = (
    ("load learned from step times", lambda tuned: replace(tuned, learns=False)),
    ("room for bursts (spread)", lambda tuned: replace(tuned, spread_factor=0.0)),
    ("trend and lead", lambda tuned: replace(tuned, lead_cold_starts=0.0)),
    ("room for chance (√load)", lambda tuned: replace(tuned, slack=0.0, slow_slack=0.0)),
    ("usual load as a floor", lambda tuned: replace(tuned, usual_seconds=1)),
    ("scale-down window", lambda tuned: replace(tuned, down_cold_starts=0.0, slow_down_cold_starts=0.0)),
    ("factor below the SLO's load", lambda tuned: replace(tuned, slo_load=1.0, slow_slo_load=1.0)),
)


@dataclass(frozen=True)
class Sum:
    """Traces of a workload taken together; `ratios`: each one's GPU-hours ÷ its oracle's."""

    share: float
    gpu_hours: float
    ratios: tuple[float, ...] = ()

    def beside(self, oracle: Sum) -> str:
        """Share in percent / GPU-hours ÷ the oracle's, with the range over traces where there are several."""
        cell = f"{self.share * 100:.2f} / {self.gpu_hours / oracle.gpu_hours:.2f}"
        if len(self.ratios) < 2:
            return cell
        return f"{cell} ({min(self.ratios):.2f}-{max(self.ratios):.2f})"


def summed(outcomes: Sequence[Outcome], oracles: Sequence[Outcome]) -> Sum:
    """Requests in SLO ÷ requests, and hours, over all traces."""
    requests = sum(outcome.requests for outcome in outcomes)
    kept = sum(outcome.slo_attainment * outcome.requests for outcome in outcomes)
    ratios = tuple(one.gpu_hours / best.gpu_hours for one, best in zip(outcomes, oracles, strict=True))
    return Sum(kept / requests, sum(outcome.gpu_hours for outcome in outcomes), ratios)


@dataclass(frozen=True)
class Drawn:
    """A trace that chance made, as the causal bound takes it."""

    setting: Setting
    what: Lifelike
    seed: int


@dataclass(frozen=True)
class Looked:
    """A workload's traces, each with its oracle."""

    work: Workload
    cases: tuple[Case, ...]

    @property
    def oracles(self) -> list[Outcome]:
        """As they ran."""
        return [case.oracle.outcome for case in self.cases if case.oracle is not None]

    @property
    def oracle(self) -> Sum:
        """Taken together."""
        return summed(self.oracles, self.oracles)

    @property
    def goal(self) -> float:
        """The share that a policy is to hold."""
        return self.oracle.share - self.work.given_up

    def tuned(self, tuning: Tuning) -> Sum:
        """The default with other constants."""
        return summed([_run(case, default(case.given, tuning)) for case in self.cases], self.oracles)

    def fixed(self) -> Sum:
        """As many replicas as the oracle has at its peak, all the time."""
        scalers = [Fixed("fixed", case.given.max_replicas) for case in self.cases]
        return summed([_run(case, scaler) for case, scaler in zip(self.cases, scalers, strict=True)], self.oracles)

    def single(self) -> tuple[float, Sum]:
        """The highest target of one rule that holds the goal, or the one that misses least; and its target."""
        best = (TARGETS[0], Sum(0.0, 0.0))
        for target in TARGETS:
            outcomes = self.tuned(replace(SINGLE, slo_load=target, slow_slo_load=target))
            if outcomes.share > best[1].share:
                best = target, outcomes
            if outcomes.share >= self.goal:
                break
        return best

    def bound(self, given_up: float) -> float | None:
        """GPU-hours of the bound at the oracle's share less that, ÷ the oracle's; None for recorded traces."""
        hours = 0.0
        first, what = self.cases[0], self.work.traces[0].what
        if isinstance(what, RecordedTrace):
            return None
        probability = chance(first.setting, what, first.given.capacity, self.work.traces[0].seed)
        for trace, case in zip(self.work.traces, self.cases, strict=True):
            most = 3 * case.given.max_replicas + 3
            drawn = Drawn(trace.setting, what, trace.seed)
            hours += bound_gpu_hours(drawn, case.given.capacity, probability, self.oracle.share - given_up, most)
        return hours / self.oracle.gpu_hours


def looked(work: Workload) -> Looked:
    """With the oracles, found or kept."""
    return Looked(work, tuple(trace.case() for trace in work.traces))


def _run(case: Case, scaler: Scaler) -> Outcome:
    return World(case.setting, scaler).run(case.trace())


def main(part: str, only: str = "") -> None:
    """Prints a line per workload as it is done, and one for the shape that a stack file can declare of it.

    No policy may have more replicas than the oracle has at its peak.
    """
    print(f"autoscaling, {part} part, simulated: share in SLO % / GPU-hours ÷ oracle (least-most by trace).")
    print(
        "fleet: by the oracle's peak. gap: the oracle's hours ÷ its program's bound. causal bound: GPU-hours ÷ oracle"
    )
    print("that no policy without foresight falls below on average, at the goal's share and at the default's. single")
    print("rule: one target in hindsight. ÷ peak, ÷ rule: the default's hours ÷ those of the fixed peak, of the rule.")
    print(
        f"{'workload':20} {'fleet':>6} {'traces':>6} {'oracle':>15} {'gap':>5} {'causal bound':>12} "
        f"{'default policy':>25} {'fixed peak':>25} {'single rule':>33} {'÷ peak':>6} {'÷ rule':>6}"
    )
    began = time.process_time()
    for work in workloads(part, only):
        looked_at = looked(work)
        _print_row(looked_at, looked_at.tuned(tuning_for()))
        if (declared := tuning_for(work.declared)) != tuning_for():
            said = looked_at.tuned(declared)
            bound = _told(looked_at.bound(looked_at.oracle.share - said.share))
            print(f"  declared as {work.declared}: bound {bound}, {said.beside(looked_at.oracle)}", flush=True)
    print(f"{time.process_time() - began:.0f} s of CPU; oracles that were kept took none")


def _print_row(looked_at: Looked, ours: Sum) -> None:
    work, oracle, peak = looked_at.work, looked_at.oracle, looked_at.fixed()
    gap = oracle.gpu_hours / sum(case.oracle.bound_gpu_hours for case in looked_at.cases if case.oracle)
    target, single = looked_at.single()
    bounds = "/".join(_told(looked_at.bound(given_up)) for given_up in (work.given_up, oracle.share - ours.share))
    told = (
        f"{work.name:20} {fleet(looked_at):>6} {len(work.traces):6} {oracle.share * 100:6.2f} {oracle.gpu_hours:6.1f} h"
    )
    told += f" {gap:5.2f} {bounds:>12} {ours.beside(oracle):>25} {peak.beside(oracle):>25}"
    told += f" {single.beside(oracle):>25} at {target:.2f}"
    print(f"{told} {ours.gpu_hours / peak.gpu_hours:6.2f} {ours.gpu_hours / single.gpu_hours:6.2f}", flush=True)


def _told(bound: float | None) -> str:
    return "–" if bound is None else f"{bound:.2f}"


def fleet(looked_at: Looked) -> str:
    """The size of the fleet, by the most that an oracle of the workload's traces has at its peak."""
    peak = max(case.given.max_replicas for case in looked_at.cases)
    fewest = 1
    for most in FLEETS:
        if peak <= most:
            return f"{fewest}-{most}"
        fewest = most + 1
    return f"> {FLEETS[-1]}"


def causes(part: str = "tuning", only: str = "") -> None:
    """Prints where the default's GPU-hours go: what it costs less, and holds less, without one thing after another."""
    print(f"autoscaling, {part} part, simulated: GPU-hours of the default ÷ oracle, and points of share, by cause")
    for work in workloads(part, only):
        looked_at = looked(work)
        oracle, tuning = looked_at.oracle, tuning_for()
        before = looked_at.tuned(tuning)
        print(f"{work.name}: oracle {oracle.share * 100:.2f} %, default {before.beside(oracle)}")
        for cause, without in CAUSES:
            tuning = without(tuning)
            after = looked_at.tuned(tuning)
            hours = (before.gpu_hours - after.gpu_hours) / oracle.gpu_hours
            print(f"  {cause:30} {hours:6.2f} × for {(before.share - after.share) * 100:6.2f} points", flush=True)
            before = after
        print(f"  {'left (whole replicas, lateness)':30} {before.beside(oracle)}", flush=True)
