"""Goldens: readable files beside the tests that say what we render. UPDATE_GOLDENS=1 writes them again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml


def assert_matches(path: Path, text: str) -> None:
    """Compares `text` with the golden file; with UPDATE_GOLDENS=1 writes it and still fails on nothing."""
    if os.environ.get("UPDATE_GOLDENS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden {path.name}; look at the text, then run with UPDATE_GOLDENS=1:\n{text}"
    assert text == path.read_text(encoding="utf-8")


def as_yaml(value: Any) -> str:
    """A value as YAML in the order it was built, long lines kept whole."""
    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)
