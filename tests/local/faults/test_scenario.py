"""The table of scenarios, and how some of them are chosen."""

from __future__ import annotations

from collections import Counter

import pytest

from local.faults.engine_kills import KILL_POINTS
from local.faults.holds import DoesNotHold, must, must_say
from local.faults.scenario import chosen
from local.faults.table import SCENARIOS


def test_names_are_unique_and_every_scenario_says_in_one_line_what_must_hold() -> None:
    assert [name for name, count in Counter(s.name for s in SCENARIOS).items() if count > 1] == []
    for scenario in SCENARIOS:
        assert 20 < len(scenario.holds) <= 140, scenario.name
        assert "\n" not in scenario.holds


def test_every_part_of_the_requirement_has_scenarios_and_the_engine_is_killed_fifty_times() -> None:
    counts = Counter(scenario.requirement for scenario in SCENARIOS)
    assert set(counts) == {"D1", "D2", "D3", "D4", "D5"}
    assert counts["D1"] == KILL_POINTS == 50
    kinds = Counter(s.name.rsplit("-", 1)[1] for s in SCENARIOS if s.requirement == "D1")
    assert set(kinds) == {"up", "update", "destroy"}
    assert min(kinds.values()) >= 12


def test_a_seed_repeats_a_scenarios_choices_whatever_runs_beside_it() -> None:
    first, second = SCENARIOS[0], SCENARIOS[1]
    assert first.random(7).random() == first.random(7).random()
    assert first.random(7).random() != first.random(8).random()
    assert first.random(7).random() != second.random(7).random()


def test_a_sample_is_the_same_for_a_seed_and_takes_of_every_part() -> None:
    names = [scenario.name for scenario in chosen(SCENARIOS, 3, (), 10)]
    assert names == [scenario.name for scenario in chosen(SCENARIOS, 3, (), 10)]
    assert len(set(names)) == 10
    assert {s.requirement for s in SCENARIOS if s.name in names} == {"D1", "D2", "D3", "D4", "D5"}
    assert names != [scenario.name for scenario in chosen(SCENARIOS, 4, (), 10)]
    table = [scenario.name for scenario in SCENARIOS]
    assert names == sorted(names, key=table.index)


def test_scenarios_are_chosen_by_the_start_of_their_names() -> None:
    assert [s.name for s in chosen(SCENARIOS, 1, ("kill-03", "canaries"), None)] == ["kill-03-update", "canaries"]
    assert len(chosen(SCENARIOS, 1, ("kill-",), None)) == 50
    assert len(chosen(SCENARIOS, 1, (), None)) == len(SCENARIOS)
    with pytest.raises(ValueError, match="no scenario is called kilt"):
        chosen(SCENARIOS, 1, ("kilt",), None)


def test_what_does_not_hold_says_what_was_found() -> None:
    must(True, "not said")
    with pytest.raises(DoesNotHold, match="2 VPCs"):
        must(False, "2 VPCs")
    must_say("Error: EOF", "eof")
    with pytest.raises(DoesNotHold, match=r"nothing says \['webhook'\]; said was:\nError: EOF"):
        must_say("Error: EOF", "webhook", "EOF")
