"""Shared unit constants and formatting."""

from __future__ import annotations

GIB = 2**30
"""Bytes."""
# AWS' own pricing pages and calculator count a month as 730 hours.
HOURS_PER_MONTH = 730


def amount(number: float, one: str, many: str | None = None, *, spec: str = ",") -> str:
    """`1 node`, `2 nodes`: a number with its word; `spec` formats the number."""
    return numbered(format(number, spec), one, many)


def numbered(shown: str, one: str, many: str | None = None) -> str:
    """The same for a number that is text already: as it is shown, it is one or not."""
    return f"{shown} {one if shown == '1' else many or f'{one}s'}"


def days_between(first: str, second: str) -> int:
    """Days from one ISO date to another; negative where the second is earlier."""
    return _day_number(second) - _day_number(first)


def _day_number(date: str) -> int:
    """Days since the first of March of year 0, as `date.toordinal` counts; planning has no clock, so no datetime."""
    year, month, day = (int(part) for part in date.split("-"))
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day
