"""An engine that is not as planned: what is changed of it, and that the plan's capacity is what is run with."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bench.foresight import misjudged
from bench.foresight.workloads import Trace, workloads
from planning.throughput.roofline import StepCosts
from simulation.compare import Bounds, Case, case
from tests.simulation.engines import engine


def short(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """A quarter of an hour, its case without the search of an oracle."""
    trace = workloads("tuning", "day L40S small")[0].traces[0]
    trace = replace(trace, what=replace(trace.what, days=1 / 96))

    def looked_at(self: Trace) -> Case:
        return case(self.setting, self.requests, Bounds(most=4, start=2), with_oracle=False)

    monkeypatch.setattr(Trace, "case", looked_at)
    return trace


def test_every_time_of_a_step_is_scaled_and_nothing_that_is_no_time() -> None:
    before, after = engine().costs, misjudged.slowed(engine(), 2.0).costs
    for field in fields(StepCosts):
        old, new = getattr(before, field.name), getattr(after, field.name)
        assert new == (2 * old if field.name.endswith("_seconds") else old), field.name


def test_an_engine_as_planned_is_run_with_the_same_capacity_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    by_plan, by_truth = misjudged.runs(short(monkeypatch), 1.0)
    assert by_plan == by_truth


def test_a_slower_engine_asks_for_more_when_its_capacity_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    by_plan, by_truth = misjudged.runs(short(monkeypatch), 1.3)
    assert by_truth.mean_replicas >= by_plan.mean_replicas
    assert by_truth.slo_attainment >= by_plan.slo_attainment


def test_the_workloads_that_are_run_are_there() -> None:
    assert set(misjudged.WORKLOADS) <= {work.name for work in workloads("tuning")}
