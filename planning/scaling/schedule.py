"""A schedule for an HPA: a recording rule that is the floor inside a weekly window of UTC, and 0 outside.

PromQL's hour(), minute() and day_of_week() are UTC's. A plain `hour() >= 8` that is absent outside the window would do
harm: an HPA with a missing metric refuses to scale down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # as day_of_week() and cron count them


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
    """From `start_minute` to `end_minute` of the day, UTC, on these days of the week (0: Sunday), of the start."""

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
    """Reads two cron expressions; raises UnsupportedWindow, saying what PromQL cannot do of them."""
    if time_zone not in ("UTC", "Etc/UTC"):
        raise UnsupportedWindow(f"time zone {time_zone}")
    first, last = _moment(start), _moment(end)
    after_midnight = last[0] <= first[0]
    expected = tuple(sorted((day + 1) % 7 for day in first[1])) if after_midnight else first[1]
    if last[1] not in (expected, first[1]) or (after_midnight and last[1] != expected):
        raise UnsupportedWindow(f"from {start} to {end}, which is longer than a day")
    return WeeklyWindow(first[0], last[0], first[1])


def _moment(cron: str) -> tuple[int, tuple[int, ...]]:
    minute, hour, day, month, weekday = cron.split()
    if day != "*" or month != "*":
        raise UnsupportedWindow(f"{cron!r} names days of a month")
    if not (minute.isdigit() and hour.isdigit() and int(minute) < 60 and int(hour) < 24):
        raise UnsupportedWindow(f"{cron!r} is not one time of the day")
    return int(hour) * 60 + int(minute), _weekdays(weekday, cron)


def _weekdays(written: str, cron: str) -> tuple[int, ...]:
    if written in ("*", "?"):
        return tuple(range(7))
    days: set[int] = set()
    for part in written.upper().split(","):
        found = re.fullmatch(r"(\w+)(?:-(\w+))?", part)
        ends = [_weekday(name, cron) for name in found.groups() if name] if found else []
        if not ends or ends[0] > ends[-1]:
            raise UnsupportedWindow(f"{written!r} of {cron!r} is no list of weekdays")
        days |= {day % 7 for day in range(ends[0], ends[-1] + 1)}
    return tuple(sorted(days))


def _weekday(name: str, cron: str) -> int:
    if name in DAYS:
        return DAYS.index(name)
    if name.isdigit() and int(name) <= 7:
        return int(name)
    raise UnsupportedWindow(f"{name!r} of {cron!r} is no weekday")


def _one_of(days: tuple[int, ...]) -> str:
    if len(days) == 7:
        return "1"
    return "(" + " + ".join(f"(day_of_week() == bool {day})" for day in days) + ")"
