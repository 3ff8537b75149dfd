"""An engine that is not as planned: what is changed of it, and that the plan's capacity is what is run with."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bench.foresight import misjudged
from bench.foresight.workloads import Trace, workloads
from planning.throughput.roofline import StepCosts
from simulation.compare import Bounds, Case, case
from tests.simulation.engines import engine


def short(monkeypatch: pytest.MonkeyPatch, days: float = 1 / 96) -> Trace:
    """A quarter of an hour, its case without the search of an oracle."""
    trace = workloads("tuning", "day L40S small")[0].traces[0]
    trace = replace(trace, what=replace(trace.what, days=days, daily=False))

    def looked_at(self: Trace) -> Case:
        return case(self.setting, self.requests, Bounds(most=4, start=2), with_oracle=False)

    monkeypatch.setattr(Trace, "case", looked_at)
    return trace


def test_every_time_of_a_step_is_scaled_and_nothing_that_is_no_time() -> None:
    before, after = engine().costs, misjudged.changed(engine(), misjudged.Misjudged("all", 2.0)).costs
    for field in fields(StepCosts):
        old, new = getattr(before, field.name), getattr(after, field.name)
        assert new == (2 * old if field.name.endswith("_seconds") else old), field.name


def test_an_engine_as_planned_costs_the_same_whatever_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    by_plan, learned, by_truth = misjudged.runs(short(monkeypatch), misjudged.ENGINES[0])
    assert misjudged.ENGINES[0].factor == 1
    assert by_plan == by_truth == learned, "a quarter of an hour is too short to learn anything from"


def test_a_slower_engine_asks_for_more_when_its_capacity_is_known_and_when_it_is_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slower = misjudged.Misjudged("all", 1.3)
    by_plan, learned, by_truth = misjudged.runs(short(monkeypatch, days=1 / 8), slower)
    assert by_truth.mean_replicas > by_plan.mean_replicas
    assert learned.mean_replicas > by_plan.mean_replicas
    assert min(by_truth.slo_attainment, learned.slo_attainment) >= by_plan.slo_attainment


def test_the_workloads_that_are_run_are_there() -> None:
    for part in ("tuning", "scoring"):
        assert set(misjudged.WORKLOADS) <= {work.name for work in workloads(part)}
