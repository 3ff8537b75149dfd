"""Cron expressions, as KEDA reads them: minute, hour, day of the month, month, weekday (robfig/cron, five fields)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from settings.findings import WrongValue

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_PART = re.compile(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One of the five fields: least and greatest number, names, and the number of the first of them."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    first: int = 0

    @property
    def every(self) -> frozenset[int]:
        """All values: what `*` and `?` stand for."""
        return frozenset(range(self.least, self.most + 1))

    def values(self, word: str) -> frozenset[int] | None:
        """Values that a list of numbers, names, ranges and steps stands for; None where it is not such a list."""
        parts = [self._part(part) for part in word.split(",")]
        known = [part for part in parts if part is not None]
        return frozenset(chain.from_iterable(known)) if len(known) == len(parts) else None

    def _part(self, part: str) -> range | None:
        match = _PART.fullmatch(part)
        step = int(match[3] or 1) if match else 0
        if match is None or step == 0:
            return None
        if match[1] is None:
            return range(self.least, self.most + 1, step)
        start = self._number(match[1])
        # robfig/cron: `N/step` is `N-most/step`.
        end = self._number(match[2]) if match[2] else self.most if match[3] else start
        if start is None or end is None or not self.least <= start <= end <= self.most:
            return None
        return range(start, end + 1, step)

    def _number(self, word: str) -> int | None:
        if word.isdigit():
            return int(word)
        return self.names.index(word.upper()) + self.first if word.upper() in self.names else None


MINUTE, HOUR, DAY, MONTH, WEEKDAY = FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31),
    Field("month", 1, 12, MONTHS, 1),
    Field("weekday", 0, 6, WEEKDAYS),
)


def cron_values(text: str) -> tuple[frozenset[int], ...]:
    """The values of each field, in the order of `FIELDS`; raises WrongValue saying which field is wrong."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise WrongValue(
            f"not a cron expression: {len(words)} of 5 fields",
            "write minute hour day month weekday, in quotes, for example '0 8 * * 1-5'",
        )
    values = []
    for word, field in zip(words, FIELDS, strict=True):
        of_field = field.values(word)
        if of_field is None:
            raise WrongValue(
                f"not a cron expression: {word!r} is no {field.name} ({field.least} to {field.most}, *, lists, ranges)",
                "write one of these",
            )
        values.append(of_field)
    return tuple(values)


def checked_cron(text: str) -> str:
    """The expression with single spaces; raises WrongValue saying which field is wrong."""
    cron_values(text)
    return " ".join(text.split())
