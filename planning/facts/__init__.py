"""Dated tables: GPUs, EC2 instance types, prices, model architectures. Each row names its source."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def rows(file_name: str) -> list[dict[str, str]]:
    """The rows of a CSV table of this folder; lines that begin with # are comments."""
    text = (_HERE / file_name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def json_table(file_name: str) -> dict[str, Any]:
    """A JSON table of this folder."""
    table: dict[str, Any] = json.loads((_HERE / file_name).read_text(encoding="utf-8"))
    return table


def optional_float(cell: str) -> float | None:
    """A number, or None for an empty cell."""
    return float(cell) if cell else None
