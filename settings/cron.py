"""Cron expressions, as KEDA reads them: minute, hour, day of the month, month, weekday (robfig/cron, five fields)."""

from __future__ import annotations

import re

from settings.findings import WrongValue

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Name, least and greatest number, names and the number of the first of them.
FIELDS: tuple[tuple[str, int, int, tuple[str, ...], int], ...] = (
    ("minute", 0, 59, (), 0),
    ("hour", 0, 23, (), 0),
    ("day", 1, 31, (), 0),
    ("month", 1, 12, MONTHS, 1),
    ("weekday", 0, 6, WEEKDAYS, 0),
)
_PART = re.compile(r"(\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)


def checked_cron(text: str) -> str:
    """The expression with single spaces; raises ValueError saying which field is wrong."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise WrongValue(
            f"not a cron expression: {len(words)} of 5 fields",
            "write minute hour day month weekday, in quotes, for example '0 8 * * 1-5'",
        )
    for word, (name, least, most, names, first) in zip(words, FIELDS, strict=True):
        for part in word.split(","):
            found = _PART.fullmatch(part)
            ends = [_number(end, names, first) for end in found.group(2, 3) if end] if found else []
            step_fits = found is not None and (found[4] is None or int(found[4]) > 0)
            if not step_fits or any(end is None or not least <= end <= most for end in ends) or _backwards(ends):
                raise WrongValue(
                    f"not a cron expression: {word!r} is no {name} ({least} to {most}, *, lists, ranges)",
                    "write one of these",
                )
    return " ".join(words)


def _number(word: str, names: tuple[str, ...], first: int) -> int | None:
    if word.isdigit():
        return int(word)
    return names.index(word.upper()) + first if word.upper() in names else None


def _backwards(ends: list[int | None]) -> bool:
    return len(ends) == 2 and None not in ends and int(ends[0] or 0) > int(ends[1] or 0)
