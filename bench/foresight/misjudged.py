"""What a replica that is quicker or slower than its plan costs: `python -m bench.foresight misjudged`, both parts.

The engine's steps take another time than the plan says; the default runs by the capacity that was planned, then with
what its rules learn of the steps, then by the capacity of the true steps, which no rule knows. The first traces only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.foresight.workloads import Trace, workloads
from planning.scaling.policy import Tuning, tuning_for
from simulation.compare import Bounds, case
from simulation.engine_limits import EngineModel
from simulation.outcome import Outcome
from simulation.policies import Given, default
from simulation.world import World

WORKLOADS = ("day L40S small", "day L4 small", "day A10G", "day H100", "burst L40S code", "Azure conv L40S")
_TIMES = (
    "host_seconds",
    "weights_seconds",
    "token_seconds",
    "sequence_seconds",
    "cached_token_seconds",
    "attention_pair_seconds",
    "expert_seconds",
)
_MOST_TIMES = 3  # the oracle's peak: room for a replica that does less
_BY_PLAN = replace(tuning_for(), learns=False)


@dataclass(frozen=True)
class Misjudged:
    """Which parts of a step take how many times as long as planned; the throughput model's goal is 1.3 either way."""

    name: str
    factor: float
    parts: tuple[str, ...] = _TIMES


ENGINES = (
    Misjudged("as planned", 1.0),
    Misjudged("steps ÷ 1.3", 1 / 1.3),
    Misjudged("steps × 1.3", 1.3),
    Misjudged("steps × 1.8", 1.8),
    Misjudged("only prompts × 1.3", 1.3, ("token_seconds", "attention_pair_seconds")),
    Misjudged("only weights × 1.3", 1.3, ("weights_seconds", "expert_seconds")),
)


def changed(engine: EngineModel, how: Misjudged) -> EngineModel:
    """The same engine with these parts of a step taking that many times as long."""
    times = {name: getattr(engine.costs, name) * how.factor for name in how.parts}
    return replace(engine, costs=replace(engine.costs, **times))


def runs(trace: Trace, how: Misjudged) -> tuple[Outcome, Outcome, Outcome]:
    """The default by the plan's capacity, with what it learns, and by the true capacity, on an engine like that."""
    planned = trace.case()
    setting = replace(trace.setting, engine=changed(trace.setting.engine, how))
    bounds = Bounds(most=_MOST_TIMES * planned.given.max_replicas, start=planned.given.start_replicas)
    true = case(setting, trace.requests, bounds, with_oracle=False).given
    by_plan = replace(true, capacity=planned.given.capacity)

    def run(given: Given, tuning: Tuning) -> Outcome:
        return World(setting, default(given, tuning)).run(trace.requests())

    return run(by_plan, _BY_PLAN), run(by_plan, tuning_for()), run(true, _BY_PLAN)


def main(names: Sequence[str] = WORKLOADS, parts: Sequence[str] = ("tuning", "scoring")) -> None:
    """Prints a line per workload and engine: share in SLO and GPU-hours, three ways."""
    print("the default on an engine that is not as planned, first traces: share in SLO % / GPU-hours")
    print(f"{'':7} {'':16} {'engine':18} {'by the plan':>15} {'learned':>15} {'true capacity':>15}")
    for part in parts:
        for work in workloads(part):
            for how in ENGINES if work.name in names else ():
                told = " ".join(f"{_told(outcome):>15}" for outcome in runs(work.traces[0], how))
                print(f"{part:7} {work.name:16} {how.name:18} {told}", flush=True)


def _told(outcome: Outcome) -> str:
    return f"{outcome.slo_attainment * 100:.2f} / {outcome.gpu_hours:.1f}"
