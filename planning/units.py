"""Conventions of the trade that several rooms count with."""

from __future__ import annotations

# AWS' own pricing pages and calculator count a month as 730 hours.
HOURS_PER_MONTH = 730


def amount(number: float, one: str, many: str | None = None, *, spec: str = ",") -> str:
    """`1 node`, `2 nodes`: a number with its word; `spec` formats the number."""
    return numbered(format(number, spec), one, many)


def numbered(shown: str, one: str, many: str | None = None) -> str:
    """The same for a number that is text already: as it is shown, it is one or not."""
    return f"{shown} {one if shown == '1' else many or f'{one}s'}"
