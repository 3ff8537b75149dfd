"""Keys that are called otherwise here: what to write for those that people bring from other tools."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent / "meant_keys.csv"


def meant(place: Sequence[str | int], value: Any) -> str | None:
    """The key most likely meant by this one at this place; None where unknown."""
    where = ""
    for part in place[:-1]:
        where += "[]" if isinstance(part, int) else f".{part}" if where else part
    key = str(place[-1]).lower().replace("_", "").replace("-", "")
    rows = _rows().get((where or "(top)", key), [])
    return next((write for value_meant, write in rows if not value_meant or _is_fraction(value)), None)


def _is_fraction(value: Any) -> bool:
    try:
        return not float(value).is_integer()
    except (TypeError, ValueError, OverflowError):
        return False


@lru_cache(maxsize=1)
def _rows() -> dict[tuple[str, str], list[tuple[str, str]]]:
    rows_by_key: dict[tuple[str, str], list[tuple[str, str]]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            rows_by_key.setdefault((row["where"], row["key"]), []).append((row["value"], row["write"]))
    return rows_by_key
