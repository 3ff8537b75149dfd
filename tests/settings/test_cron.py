"""Cron expressions are checked here: KEDA would take a wrong one and then never be active."""

from __future__ import annotations

import pytest

from settings.cron import FIELDS, WEEKDAY, checked_cron, cron_values


@pytest.mark.parametrize("text", ["0 8 * * 1-5", "*/15 0-6,22,23 1 JAN-MAR mon", "59 23 31 12 6", "0 8 ? * 0-6/2"])
def test_what_keda_reads_is_taken(text: str) -> None:
    assert checked_cron(text) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("60 8 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 8 0 * *", "day"),
        ("0 8 * 13 *", "month"),
        ("0 8 * * 7", "weekday"),
        ("0 8 * * FRI-MON", "weekday"),
        ("0 8 * * soon", "weekday"),
        ("*/0 8 * * *", "minute"),
        ("0,,5 8 * * *", "minute"),
    ],
)
def test_the_field_that_is_wrong_is_named(text: str, field: str) -> None:
    with pytest.raises(ValueError, match=f"is no {field} "):
        checked_cron(text)


def test_five_fields_are_needed() -> None:
    with pytest.raises(ValueError, match="4 of 5 fields"):
        checked_cron("0 8 * *")
    assert checked_cron(" 0  8 * * * ") == "0 8 * * *"


@pytest.mark.parametrize(
    ("word", "days"),
    [("*", {0, 1, 2, 3, 4, 5, 6}), ("?/3", {0, 3, 6}), ("MON-FRI/2", {1, 3, 5}), ("4/2", {4, 6}), ("sun,6", {0, 6})],
)
def test_a_field_is_the_set_of_its_values(word: str, days: set[int]) -> None:
    assert WEEKDAY.values(word) == days
    assert cron_values(f"0 8 * * {word}")[4] == days


def test_a_star_is_every_value_of_each_field() -> None:
    assert cron_values("* * * * *") == tuple(field.every for field in FIELDS)
    assert [len(field.every) for field in FIELDS] == [60, 24, 31, 12, 7]
