"""A schedule for an HPA: a recording rule that is the floor inside a weekly window of UTC, and 0 outside.

PromQL's hour(), minute() and day_of_week() are UTC's. A plain `hour() >= 8` that is absent outside the window would do
harm: an HPA with a missing metric refuses to scale down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settings.cron import DAY, MONTH, cron_values


def schedule_expr(windows: Sequence[tuple[WeeklyWindow, int]]) -> str:
    """PromQL of the highest floor that holds now; 0 where none does."""
    texts = (
        f'label_replace({window.expr(replicas)}, "window", "{index}", "", "")'
        for index, (window, replicas) in enumerate(windows)
    )
    return f"max({' or '.join(texts)})"


class UnsupportedWindow(ValueError):
    """A schedule that PromQL cannot say."""


@dataclass(frozen=True)
class WeeklyWindow:
    """From `start_minute` to `end_minute` of the day, UTC, on these days of the week (0: Sunday, as
    day_of_week() and cron count them), of the start."""

    start_minute: int
    end_minute: int
    days: tuple[int, ...]

    def expr(self, replicas: int) -> str:
        """PromQL: `replicas` within the window, 0 outside; never absent."""
        now = "(hour() * 60 + minute())"
        today = _one_of(self.days)
        if self.start_minute < self.end_minute:
            inside = f"({now} >= bool {self.start_minute}) * ({now} < bool {self.end_minute}) * {today}"
        else:  # over midnight: the end belongs to the day after
            after = _one_of(tuple(sorted((day + 1) % 7 for day in self.days)))
            inside = f"(({now} >= bool {self.start_minute}) * {today} + ({now} < bool {self.end_minute}) * {after})"
        return f"{replicas} * {inside}"


def weekly_window(time_zone: str, start: str, end: str) -> WeeklyWindow:
    """Two cron expressions, valid ones (settings/cron.py), as a window.

    Raises UnsupportedWindow, saying what PromQL cannot express of them.
    """
    if time_zone not in ("UTC", "Etc/UTC"):
        raise UnsupportedWindow(f"time zone {time_zone}")
    first, last = _moment(start), _moment(end)
    after_midnight = last[0] <= first[0]
    expected = tuple(sorted((day + 1) % 7 for day in first[1])) if after_midnight else first[1]
    if last[1] not in (expected, first[1]) or (after_midnight and last[1] != expected):
        raise UnsupportedWindow(f"from {start} to {end}, which is longer than a day")
    return WeeklyWindow(first[0], last[0], first[1])


def _moment(cron: str) -> tuple[int, tuple[int, ...]]:
    """Minute of the day, and the weekdays (0: Sunday)."""
    minutes, hours, days, months, weekdays = cron_values(cron)
    if days != DAY.every or months != MONTH.every:
        raise UnsupportedWindow(f"{cron!r} names days of a month")
    if len(minutes) != 1 or len(hours) != 1:
        raise UnsupportedWindow(f"{cron!r} is not one time of the day")
    return min(hours) * 60 + min(minutes), tuple(sorted(weekdays))


def _one_of(days: tuple[int, ...]) -> str:
    if len(days) == 7:
        return "1"
    return "(" + " + ".join(f"(day_of_week() == bool {day})" for day in days) + ")"
