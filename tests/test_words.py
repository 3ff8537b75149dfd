"""Plain technical English: words that tests/words.csv lists are in neither the product nor its docs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.source import files, text

ROOMS = (
    *("settings", "planning", "components", "preflight", "preview", "policies", "simulation", "advisor", "local"),
    *("tools", "bench"),
)
SHOWS_THEM = {"CONTRIBUTING.md"}
"""Says by example what not to write."""
NAMES = ("nobody-scales",)
"""Rule ids stay: waivers name them."""


def _words() -> list[dict[str, str]]:
    lines = (REPO / "tests/words.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _texts() -> Iterator[tuple[str, str]]:
    tables = (path for room in ROOMS for path in (REPO / room).rglob("*.csv"))
    pages = (*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md"), *REPO.glob("Pulumi.*.yaml"))
    code = (path for room in ROOMS for path in files(room))
    for path in (*code, *tables, *pages):
        if path.name not in SHOWS_THEM:
            yield str(path.relative_to(REPO)), text(path)


def _uses(pattern: str) -> list[str]:
    word = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w])", re.IGNORECASE)
    return [
        f"{name}:{number}: {line.strip()}"
        for name, content in _texts()
        if word.search(content)
        for number, line in enumerate(content.splitlines(), start=1)
        if word.search(_without_names(line))
    ]


def _without_names(line: str) -> str:
    for name in NAMES:
        line = line.replace(name, "")
    return line


@pytest.mark.parametrize("row", _words(), ids=lambda row: row["pattern"])
def test_a_word_that_the_list_has_is_not_used(row: dict[str, str]) -> None:
    assert _uses(row["pattern"]) == [], f"write {row['instead']}"


def test_the_list_finds_a_word() -> None:
    assert Path(REPO / "tests/words.csv").is_file()
    assert re.search(_words()[0]["pattern"], "nobody knows")
