"""Which tables there are, and what is said of one that is none."""

from __future__ import annotations

import pytest

from bench.foresight import __main__ as command
from tests.conftest import REPO


def test_a_name_that_is_no_table_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["scaling", "money"]) == 2
    told = capsys.readouterr().err
    assert "no table money" in told
    assert all(name in told for name in command.PARTS)
    assert command.main(["memory=Azure"]) == 2, "only tables of workloads have parts"


def test_without_names_all_run_but_those_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(command.scaling, "main", lambda part, only: ran.append(f"{part} {only}".strip()))
    monkeypatch.setattr(command.scaling, "causes", lambda only: ran.append(f"causes {only}".strip()))
    monkeypatch.setattr(command.fitting, "main", lambda: ran.append("fitting"))
    monkeypatch.setattr(command.misjudged, "main", lambda: ran.append("misjudged"))

    class Done:
        returncode = 0

    def run(words: list[str], check: bool) -> Done:
        ran.append(words[-1])
        return Done()

    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main([]) == 0
    assert ran == [*command.TESTS.values(), "scoring"]
    ran.clear()
    assert command.main(["tuning", "causes", "misjudged", "fitting"]) == 0
    assert ran == ["tuning", "causes", "misjudged", "fitting"]
    ran.clear()
    assert command.main(["scaling=Azure", "causes=week L4"]) == 0
    assert ran == ["scoring Azure", "causes week L4"]


def test_the_tests_that_print_the_other_tables_are_there() -> None:
    assert [path for path in command.TESTS.values() if not (REPO / path).is_file()] == []
