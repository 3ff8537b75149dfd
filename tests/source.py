"""The Python of this repository as the tests of the house read it, parsed once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.conftest import REPO


@cache
def files(room: str) -> tuple[Path, ...]:
    """Python files below a folder of the checkout, or the one file, by name."""
    place = REPO / room
    return (place,) if place.is_file() else tuple(sorted(place.rglob("*.py")))


@cache
def text(path: Path) -> str:
    """What is written there."""
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of the file's syntax tree, outer ones first."""
    return tuple(ast.walk(ast.parse(text(path))))
