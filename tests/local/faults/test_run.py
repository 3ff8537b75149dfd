"""What the runner says, and that whatever a scenario raises is its result."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from local.__main__ import main
from local.faults.holds import DoesNotHold, Skipped
from local.faults.run import ScenarioResult, line, run_one, summary
from local.faults.scenario import Scenario
from local.host.errors import PlatformError

HELD = ScenarioResult("a", "held", 1.0, "seen")
FAILED = ScenarioResult("b", "failed", 2.0, "two VPCs\nvpc-1 vpc-2")
SKIPPED = ScenarioResult("c", "skipped", 0.0, "no adapter")


def scenario(raised: BaseException | None) -> Scenario:
    def run(ground: Any, random: Random) -> str:
        if raised:
            raise raised
        return "seen"

    return Scenario("b", "one VPC is there", run, "D1")


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (None, "held"),
        (Skipped("no adapter"), "skipped"),
        (DoesNotHold("two"), "failed"),
        (PlatformError("x"), "failed"),
        (ZeroDivisionError("x"), "failed"),
    ],
)
def test_whatever_a_scenario_raises_is_its_result_and_only_a_failure_begins_anew(
    raised: BaseException | None, outcome: str
) -> None:
    ground: Any = SimpleNamespace(state="one")
    result = run_one(ground, scenario(raised), 1)
    assert result.outcome == outcome
    assert ground.state == (None if outcome == "failed" else "one")


def test_a_failure_says_what_must_hold_and_what_was_found() -> None:
    text = line(FAILED, scenario(None))
    assert "must hold: one VPC is there\n    | two VPCs\n    | vpc-1 vpc-2" in text


def test_the_summary_counts_what_was_tried_and_says_how_to_repeat_a_failure() -> None:
    text = summary([HELD, FAILED, SKIPPED], 42)
    assert "1 of 2 held, seed 42" in text
    assert "skipped: c: no adapter" in text
    assert "make faults SEED=42 ONLY=b" in text
    assert "failed" not in summary([HELD], 42)


def test_list_says_what_there_is_and_an_unknown_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--list"]) == 0
    assert "kill-01-up" in capsys.readouterr().out
    assert main(["faults", "--only", "kilt"]) == 1
    assert "no scenario is called kilt" in capsys.readouterr().err
