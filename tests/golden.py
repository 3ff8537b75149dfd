"""Goldens: readable files beside the tests that say what we render. UPDATE_GOLDENS=1 writes them again.

What that changed is told at the end of the run (`tests/conftest.py`): read it, then read the diff.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import yaml

CHANGED: dict[Path, str] = {}
"""Of this run: golden file to `+2 -1 lines`, or `new, 40 lines`."""


def assert_matches(path: Path, text: str) -> None:
    """Compares `text` with the golden file; with UPDATE_GOLDENS=1 writes it and still fails on nothing."""
    if os.environ.get("UPDATE_GOLDENS") == "1":
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if before != text:
            CHANGED[path] = difference(before, text)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden {path.name}; look at the text, then run with UPDATE_GOLDENS=1:\n{text}"
    assert text == path.read_text(encoding="utf-8")


def assert_differs(path: Path, text: str, base: Path, name: str, base_name: str) -> None:
    """Compares `text` with a golden that is kept as its difference to another one, which is whole.

    `name` and `base_name` are what the two call their own things, and are no difference. Lines that speak of the other
    one by name stand at the end: the difference alone would hide a name that is wrong.
    """
    whole, renamed = base.read_text(encoding="utf-8").splitlines(), text.replace(name, base_name).splitlines()
    foreign = dict.fromkeys(line.strip() for line in text.splitlines() if base_name in line)
    lines = list(difflib.unified_diff(whole, renamed, base.name, path.name, n=1, lineterm=""))
    assert_matches(path, "\n".join([*lines, f"# lines with {base_name!r} in them:", *foreign]) + "\n")


def difference(before: str | None, after: str) -> str:
    """How much of a golden is new, in a few words."""
    if before is None:
        return f"new, {len(after.splitlines())} lines"
    told = [line[0] for line in difflib.ndiff(before.splitlines(), after.splitlines())]
    return f"+{told.count('+')} -{told.count('-')} lines"


def as_yaml(value: Any) -> str:
    """A value as YAML in the order it was built, long lines kept whole."""
    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)
