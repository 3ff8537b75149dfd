"""The search of throughput constants: every constant that it moves is one there is, and it reads the fit part only."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.foresight import fitting
from planning.throughput.efficiency import EFFICIENCY


def test_what_is_searched_is_within_its_bounds_at_the_start() -> None:
    for name, (low, high) in fitting.BOUNDS.items():
        assert low <= fitting.read_constant(EFFICIENCY, name) <= high, name


def test_constants_written_and_read_again_are_the_same_and_the_others_stay() -> None:
    values = {name: (low + high) / 2 for name, (low, high) in fitting.BOUNDS.items()}
    made = fitting.with_constants(values)
    assert {name: fitting.read_constant(made, name) for name in values} == values
    assert fitting.with_constants({}) == EFFICIENCY


def test_rows_of_the_score_part_are_not_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unseen(SimpleNamespace):
        def factor(self, reached: object) -> float:
            raise AssertionError("a row of the score part was looked at")

    fit = SimpleNamespace(part="fit", is_v1=True, factor=lambda reached: 1.2)
    monkeypatch.setattr(fitting, "all_samples", lambda: [fit, Unseen(part="score", is_v1=True)])
    monkeypatch.setattr(fitting, "SECONDS", 0)
    fitting.main()
    assert "1 rows" in capsys.readouterr().out
