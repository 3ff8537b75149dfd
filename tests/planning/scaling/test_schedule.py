"""What a schedule becomes for an HPA, and what PromQL cannot say. tests/planning/test_promql.py computes it."""

from __future__ import annotations

import pytest

from planning.scaling.schedule import UnsupportedWindow, WeeklyWindow, schedule_expr, weekly_window


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        ("0 8 * * 1-5", "30 18 * * MON-FRI", WeeklyWindow(480, 1110, (1, 2, 3, 4, 5))),
        ("0 8 * * *", "0 9 * * ?", WeeklyWindow(480, 540, (0, 1, 2, 3, 4, 5, 6))),
        ("0 22 * * 5,6", "0 4 * * 6,0", WeeklyWindow(1320, 240, (5, 6))),
        ("0 8 ? * MON-FRI/2", "0 9 * * 1,3,5", WeeklyWindow(480, 540, (1, 3, 5))),
        ("0 22 * * *", "0 4 * * *", WeeklyWindow(1320, 240, (0, 1, 2, 3, 4, 5, 6))),
    ],
)
def test_a_window_of_a_day_is_read(start: str, end: str, window: WeeklyWindow) -> None:
    assert weekly_window("UTC", start, end) == window


@pytest.mark.parametrize(
    ("zone", "start", "end", "why"),
    [
        ("Europe/Berlin", "0 8 * * *", "0 9 * * *", "time zone Europe/Berlin"),
        ("UTC", "0 8 1 * *", "0 9 1 * *", "days of a month"),
        ("UTC", "*/5 8 * * *", "0 9 * * *", "not one time of the day"),
        ("UTC", "0 8 * * 1", "0 9 * * 5", "longer than a day"),
        ("UTC", "0 22 * * 5", "0 4 * * 5", "longer than a day"),
    ],
)
def test_what_promql_cannot_say_is_told(zone: str, start: str, end: str, why: str) -> None:
    with pytest.raises(UnsupportedWindow, match=why):
        weekly_window(zone, start, end)


def test_it_is_never_absent_or_the_hpa_would_not_scale_down() -> None:
    text = schedule_expr([(WeeklyWindow(480, 1080, (1, 2)), 3)])
    assert ">= bool" in text
    assert "< bool" in text
    assert "and on" not in text
