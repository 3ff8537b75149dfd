"""What looks like a credential: one list for settings, policies, masking and messages."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent / "secret_patterns.csv"
# A variable, key or argument of such a name holds a credential, whatever it looks like.
SECRET_NAMES = re.compile(
    r"(^|[_-])(TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE
)
_FLAG = re.compile(
    r"(--[\w-]*(?:api[-_]key|access[-_]key|token|password|passwd|secret))(?:=(?!\[secret\])\S+)", re.IGNORECASE
)
_SHORTEST = 8  # characters; less is no credential, and most texts are short


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return tuple((row["kind"], re.compile(row["pattern"], re.ASCII)) for row in rows)


def secret_kind(text: str) -> str | None:
    """`a GitHub token` where the text holds one, else None."""
    if len(text) < _SHORTEST:
        return None
    return next((kind for kind, pattern in _patterns() if pattern.search(text)), None)


def hidden(text: str, stand_in: str) -> str:
    """The text with each credential replaced; of an argument that names one (`--api-key=x`) the name is left."""
    if len(text) < _SHORTEST:
        return text
    for _, pattern in _patterns():
        text = pattern.sub(stand_in, text)
    return _FLAG.sub(rf"\1={stand_in}", text)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value of a document that holds no other, with its place; keys are such values, at what they hold."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield (*path, str(key)), str(key)
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value
