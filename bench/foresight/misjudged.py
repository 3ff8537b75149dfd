"""What a replica that is quicker or slower than its plan costs: `python -m bench.foresight misjudged`, tuning part.

The engine's steps take another time than the plan says; the default runs once with the capacity that was planned and
once with that of the true steps. The second is what a rule that learned a replica's load could reach at best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.foresight.workloads import Trace, workloads
from simulation.compare import Bounds, case
from simulation.engine_limits import EngineModel
from simulation.outcome import Outcome
from simulation.policies import default
from simulation.world import World

# A step's true time ÷ the planned one: the throughput model's goal is a factor of 1.3 either way.
FACTORS = (1 / 1.3, 1.0, 1.3)
WORKLOADS = ("day L40S small", "day L4 small", "day H100")
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


def slowed(engine: EngineModel, factor: float) -> EngineModel:
    """The same engine with every part of a step taking that many times as long."""
    return replace(
        engine, costs=replace(engine.costs, **{name: getattr(engine.costs, name) * factor for name in _TIMES})
    )


def runs(trace: Trace, factor: float) -> tuple[Outcome, Outcome]:
    """The default by the plan's capacity, and by the true one, on an engine whose steps take `factor` times as long."""
    planned = trace.case()
    setting = replace(trace.setting, engine=slowed(trace.setting.engine, factor))
    bounds = Bounds(most=_MOST_TIMES * planned.given.max_replicas, start=planned.given.start_replicas)
    told = case(setting, trace.requests, bounds, with_oracle=False)
    as_planned = replace(told.given, capacity=planned.given.capacity)
    by_plan, by_truth = (World(setting, default(given)).run(trace.requests()) for given in (as_planned, told.given))
    return by_plan, by_truth


def main(names: Sequence[str] = WORKLOADS) -> None:
    """Prints a line per workload and factor: share in SLO and GPU-hours, by the plan's capacity and by the true one."""
    print("the default on an engine that is not as planned, first trace of the tuning part: share in SLO %, GPU-hours")
    for work in workloads("tuning"):
        for factor in FACTORS if work.name in names else ():
            by_plan, by_truth = (_told(outcome) for outcome in runs(work.traces[0], factor))
            print(
                f"{work.name:16} steps × {factor:.2f}: by plan {by_plan}, by the true capacity {by_truth}", flush=True
            )


def _told(outcome: Outcome) -> str:
    return f"{outcome.slo_attainment * 100:.2f} / {outcome.gpu_hours:.1f} h"
