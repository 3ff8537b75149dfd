"""The split that the published figures rest on: what is looked at while tuning is never what is scored."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest

from bench.foresight.recorded import FILES, HALVES, RecordedTrace, recorded
from bench.foresight.workloads import DECLARED, GIVEN_UP, LENGTHS, TABLE, Workload, workloads
from settings.demand import TrafficShape
from simulation.engine_limits import PICOSECONDS
from simulation.lifelike import Lifelike, lifelike

PARTS = ("tuning", "scoring")
# Issue 14 C2: fleets of 1 to 3, 4 to 10, 10 to 50.
CARDS = {"l4", "a10g", "l40s", "h100"}


def rows() -> list[dict[str, str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def seeds(part: str) -> list[int]:
    return [trace.seed for work in workloads(part) for trace in work.traces]


def test_no_seed_is_tuned_on_and_scored() -> None:
    assert set(seeds("tuning")) & set(seeds("scoring")) == set()


def test_no_seed_stands_twice_in_a_part() -> None:
    for part in PARTS:
        assert [seed for seed, count in Counter(seeds(part)).items() if count > 1] == []


def test_every_row_belongs_to_one_of_the_two_parts_and_has_a_name_of_its_own() -> None:
    assert {row["part"] for row in rows()} == set(PARTS)
    for part in PARTS:
        assert len({work.name for work in workloads(part)}) == len(workloads(part)) > 10


def test_what_differs_between_the_parts_is_more_than_the_seed() -> None:
    """Days are scored at other rates than they were tuned at; of bursts one kind is scored that was never tuned on."""
    rate_of = {part: {row["name"]: float(row["rate"]) for row in rows() if row["part"] == part} for part in PARTS}
    both = rate_of["tuning"].keys() & rate_of["scoring"].keys()
    same = {name for name in both if rate_of["tuning"][name] == rate_of["scoring"][name]}
    assert same == {"day L40S large", "burst L40S code", "burst H100"}
    assert rate_of["scoring"].keys() - rate_of["tuning"].keys() == {"burst H100 long"}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_every_gpu_days_weeks_and_bursts_and_cold_starts_of_two_to_ten_minutes(part: str) -> None:
    of_part = [row for row in rows() if row["part"] == part]
    assert {row["gpu"] for row in of_part} == CARDS
    assert {row["shape"] for row in of_part} == {"day", "burst", "recorded"}
    assert max(float(row["days"] or 0) for row in of_part) == 7
    assert {"120", "240", "600"} <= {row["cold_start_seconds"] for row in of_part}
    assert {row["lengths"] for row in of_part} <= set(LENGTHS)
    assert {row["lengths"] for row in of_part if row["shape"] == "recorded"} == set(FILES)


def test_a_workload_declares_a_shape_that_a_stack_file_can() -> None:
    assert DECLARED.keys() == GIVEN_UP.keys() == {row["shape"] for row in rows()}
    for part in PARTS:
        assert {TrafficShape(work.declared) for work in workloads(part)} == {TrafficShape.DIURNAL, TrafficShape.BURST}


def shortened(work: Workload, seed_place: int = 0) -> tuple[int, int]:
    trace = work.traces[seed_place]
    assert isinstance(trace.what, Lifelike)
    first = next(iter(lifelike(trace.what, trace.seed)))
    return int(first.arrivals_ps.size), int(first.inputs.sum())


def test_a_trace_repeats_exactly_and_another_seed_is_another_trace() -> None:
    (work,) = workloads("tuning", "day L40S small")
    assert shortened(work) == shortened(work)
    assert shortened(work) != shortened(work, 1)


def test_only_the_workloads_with_these_letters_are_taken() -> None:
    assert {work.name for work in workloads("scoring", "week")} == {"week L4", "week L40S"}
    assert workloads("scoring", "no such workload") == []
    assert workloads("held-out") == []


def test_a_half_of_a_recorded_trace_is_tuned_on_and_the_other_scored() -> None:
    halves = {part: {t.what.half for w in workloads(part, "Azure") for t in w.traces} for part in PARTS}
    assert halves == {part: {HALVES[part]} for part in PARTS} == {"tuning": {0}, "scoring": {1}}
    for name in FILES:
        (first,), (second,) = (list(recorded(RecordedTrace(name, half, 1.0), 1)) for half in (0, 1))
        assert first.inputs.size + second.inputs.size == {"code": 8819, "conversation": 19366}[name]
        assert first.arrivals_ps[0] == 0 < second.arrivals_ps[0]
        assert abs(int(first.arrivals_ps[-1]) - int(second.arrivals_ps[-1])) < 60 * PICOSECONDS


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_a_recorded_trace_is_scaled_without_touching_its_shape(scale: float) -> None:
    (as_it_is,), (scaled,) = (list(recorded(RecordedTrace("code", 0, factor), 7)) for factor in (1.0, scale))
    assert scaled.inputs.size == pytest.approx(scale * as_it_is.inputs.size, rel=0.05)
    assert scaled.inputs.mean() == pytest.approx(as_it_is.inputs.mean(), rel=0.05)
    assert bool((np.diff(scaled.arrivals_ps) >= 0).all())
    edges = np.arange(0, as_it_is.arrivals_ps[-1], 300 * PICOSECONDS)
    before, after = (np.histogram(each.arrivals_ps, edges)[0] for each in (as_it_is, scaled))
    assert np.corrcoef(before, after)[0, 1] > 0.95


def test_a_recorded_trace_of_one_seed_repeats_exactly_and_of_another_is_another() -> None:
    (one,), (again,), (other,) = (list(recorded(RecordedTrace("code", 1, 1.5), seed)) for seed in (3, 3, 4))
    assert bool((one.arrivals_ps == again.arrivals_ps).all())
    assert one.inputs.size != other.inputs.size
