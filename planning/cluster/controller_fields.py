"""Which fields a controller writes after us: facts/controller_fields.csv, the one list of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.facts import rows

IGNORED, ABSENT, UNREGISTERED = "ignored", "absent", "unregistered"


@dataclass(frozen=True)
class ControllerField:
    """A row of the table."""

    type: str
    """Pulumi's token; of Kubernetes `kubernetes:<kind>`, in any version."""
    field: str
    """In the provider's words; empty: the whole object."""
    owner: str
    how: str
    holds_while: str
    source: str


@cache
def controller_fields() -> tuple[ControllerField, ...]:
    """All rows."""
    return tuple(
        ControllerField(row["type"], row["field"], row["owner"], row["how"], row["while"], row["source"])
        for row in rows("controller_fields.csv")
    )


def ignored_fields(type_: str) -> tuple[str, ...]:
    """Fields of a type that we send once and then leave alone. Raises LookupError for a type that has none."""
    names = tuple(row.field for row in controller_fields() if (row.type, row.how) == (type_, IGNORED))
    if not names:
        raise LookupError(f"no controller owns a field of {type_} (planning/facts/controller_fields.csv)")
    return names
