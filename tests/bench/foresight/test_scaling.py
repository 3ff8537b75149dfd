"""The table's own arithmetic, on traces of half an hour: sums over traces, the single rule, what the default is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from bench.foresight import scaling
from bench.foresight.scaling import CAUSES, SINGLE, TARGETS, Looked, Sum, summed
from bench.foresight.workloads import Trace, Workload, workloads
from planning.scaling.policy import Tuning, tuning_for
from simulation.compare import Bounds, case
from simulation.outcome import Outcome
from tests.bench.foresight.test_oracles import OUTCOME

HALF_HOUR_DAYS = 1 / 48


@cache
def looked() -> Looked:
    """A workload of the tuning part, cut short, with its oracles."""
    (work,) = workloads("tuning", "day L40S small")
    traces = tuple(replace(trace, what=replace(trace.what, days=HALF_HOUR_DAYS)) for trace in work.traces[:2])
    cases = tuple(case(trace.setting, trace.requests, Bounds()) for trace in traces)
    return Looked(replace(work, traces=traces), cases)


def test_a_sum_weighs_traces_by_their_requests_and_hours_by_nothing() -> None:
    small = replace(OUTCOME, requests=100, slo_attainment=0.5, gpu_hours=1.0)
    large = replace(OUTCOME, requests=300, slo_attainment=1.0, gpu_hours=3.0)
    total = summed([small, large], [replace(small, gpu_hours=2.0), replace(large, gpu_hours=2.0)])
    assert total == Sum(0.875, 4.0, (0.5, 1.5))
    assert total.beside(Sum(1.0, 4.0)) == "87.50 / 1.00 (0.50-1.50)"
    assert summed([small], [small]).beside(Sum(0.5, 1.0)) == "50.00 / 1.00", "a range of one trace says nothing"


def test_outcomes_and_oracles_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        summed([OUTCOME, OUTCOME], [OUTCOME])


def test_the_goal_is_the_oracles_share_less_what_may_be_given_up() -> None:
    assert looked().goal == pytest.approx(looked().oracle.share - 0.005)


def test_the_default_runs_with_the_constants_that_it_is_given() -> None:
    ours, wasteful = (
        looked().tuned(tuning_for()),
        looked().tuned(replace(tuning_for(), slo_load=0.2, slow_slo_load=0.2)),
    )
    assert wasteful.gpu_hours >= ours.gpu_hours
    assert 0 < ours.share <= 1
    assert len(ours.ratios) == 2


def test_the_single_rule_is_the_highest_target_that_holds_the_goal_or_the_one_that_misses_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = dict(zip(TARGETS, (0.90, 0.95, 0.97, 0.985, 0.99, 0.995, 0.996, 0.997), strict=True))
    whole = Looked(replace(looked().work, given_up=0.005), looked().cases)
    monkeypatch.setattr(Looked, "goal", property(lambda self: 0.98))
    monkeypatch.setattr(Looked, "tuned", lambda self, tuning: Sum(shares[tuning.slo_load], 1.0))
    assert whole.single() == (0.7, Sum(0.985, 1.0))
    monkeypatch.setattr(Looked, "goal", property(lambda self: 0.999))
    assert whole.single() == (TARGETS[-1], Sum(0.997, 1.0))


def test_the_single_rule_has_neither_room_nor_trend_nor_memory() -> None:
    assert (SINGLE.slack, SINGLE.slow_slack, SINGLE.spread_factor, SINGLE.lead_cold_starts) == (0, 0, 0, 0)
    assert list(TARGETS) == sorted(TARGETS, reverse=True)


def test_every_cause_takes_something_away_from_the_default() -> None:
    tuning = tuning_for()
    for cause, without in CAUSES:
        assert without(tuning) != tuning, cause
        tuning = without(tuning)


def test_a_table_has_the_default_and_where_a_workload_could_declare_its_shape_that_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Tuning] = []

    def tuned(self: Looked, tuning: Tuning) -> Sum:
        asked.append(tuning)
        return Sum(0.99, 10.0)

    def bare(work: Workload) -> Looked:
        return Looked(work, looked().cases)

    monkeypatch.setattr(scaling, "looked", bare)
    monkeypatch.setattr(Looked, "tuned", tuned)
    monkeypatch.setattr(Looked, "bound", lambda self, given_up: 1.0)
    monkeypatch.setattr(Looked, "fixed", lambda self: Sum(1.0, 20.0))
    scaling.main("tuning", "burst H100")
    assert (asked[0], asked[-1]) == (tuning_for(), tuning_for("burst"))
    assert "declared as burst" in capsys.readouterr().out
    asked.clear()
    scaling.main("tuning", "week L4")
    assert asked[0] == tuning_for("diurnal")
    assert tuning_for("burst") not in asked
    out = capsys.readouterr().out
    assert "week L40S" in out
    assert "declared" not in out


def test_a_trace_without_an_oracle_has_none_to_stand_beside() -> None:
    bare = replace(looked().cases[0], oracle=None)
    assert Looked(looked().work, (bare,)).oracles == []


def test_a_fixed_fleet_is_the_oracles_peak_all_the_time() -> None:
    fixed = looked().fixed()
    peak = sum(case.given.max_replicas for case in looked().cases)
    assert fixed.gpu_hours == pytest.approx(peak * HALF_HOUR_DAYS * 24, rel=0.02)


def test_outcomes_are_those_of_the_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    trace: Trace = looked().work.traces[0]
    outcome: Outcome = looked().cases[0].oracle.outcome  # type: ignore[union-attr]
    assert outcome.requests == sum(part.inputs.size for part in trace.requests())
