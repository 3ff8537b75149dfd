"""Waivers: for one rule, with a reason, until a day."""

from __future__ import annotations

from datetime import date

from policies.judge import judge, waiver_problems
from settings.waivers import Waiver
from tests.policies.resources import DEV, deployment

TODAY = date(2027, 3, 1)


def waiver(rule: str = "disruption-budget", expires: date = date(2027, 3, 1)) -> Waiver:
    return Waiver(rule=rule, reason="one replica, nobody depends on it", expires=expires.isoformat())


def test_a_waiver_holds_through_its_last_day_and_what_it_covers_is_still_told() -> None:
    judgements = judge([deployment()], DEV, [waiver()], TODAY)
    assert [judgement.finding.rule for judgement in judgements] == ["disruption-budget"]
    assert judgements[0].waiver == waiver()
    assert waiver_problems([waiver()], TODAY) == []


def test_an_expired_waiver_covers_nothing_and_is_an_error_of_its_own() -> None:
    expired = waiver(expires=date(2027, 2, 28))
    assert [each.waiver for each in judge([deployment()], DEV, [expired], TODAY)] == [None]
    problems = waiver_problems([waiver(), expired], TODAY)
    assert [problem.path for problem in problems] == ["waivers[1].expires"]
    assert "2027-02-28" in problems[0].message
    assert "nobody depends on it" in problems[0].message


def test_a_waiver_of_a_rule_that_does_not_exist_is_told_with_the_nearest_name() -> None:
    problems = waiver_problems([waiver("disruption-budgets")], TODAY)
    assert problems[0].path == "waivers[0].rule"
    assert problems[0].fix == "did you mean disruption-budget?"


def test_without_a_day_no_waiver_holds() -> None:
    assert judge([deployment()], DEV, [waiver()])[0].waiver is None
