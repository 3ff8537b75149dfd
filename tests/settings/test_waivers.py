"""Waivers in the stack file."""

from __future__ import annotations

from datetime import date

import pytest

from settings.read import read


def waived(**changes: object) -> list[str]:
    waiver = {"rule": "image-digest", "reason": "digests come with the mirror", "expires": "2027-03-31", **changes}
    loaded = read({"waivers": [waiver]}, "dev")
    if loaded.settings is not None and not loaded.problems:
        assert loaded.settings.waivers[0].expires == date(2027, 3, 31)
    return [str(problem) for problem in loaded.problems]


@pytest.mark.parametrize("day", ["2027-03-31", "2027-03-31 00:00:00 +0000 UTC", "2027-03-31T00:00:00Z"])
def test_a_day_is_read_as_written_and_as_pulumi_hands_it_over(day: str) -> None:
    assert waived(expires=day) == []


@pytest.mark.parametrize("day", ["2027-02-30", "soon", "2027-03-31T12:00:00Z", "20270331", 20270331, None])
def test_what_is_no_day_is_told_with_an_example(day: object) -> None:
    assert any(
        each.startswith("waivers[0].expires") and "write for example 2027-03-31" in each for each in waived(expires=day)
    )


def test_a_waiver_needs_a_reason_in_words() -> None:
    assert any(each.startswith("waivers[0].reason") for each in waived(reason="x"))


def test_one_rule_is_waived_once() -> None:
    waiver = {"rule": "tags", "reason": "default tags of the account", "expires": "2027-03-31"}
    problems = [str(problem) for problem in read({"waivers": [waiver, waiver]}, "dev").problems]
    assert any("'tags' is waived twice" in each for each in problems)
