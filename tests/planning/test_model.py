"""The value types of a plan: what a field means stands beside the field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.conftest import REPO


def _types() -> Iterator[tuple[str, ast.ClassDef]]:
    for path in sorted((REPO / "planning/model").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield path.name, node


def _fields(type_: ast.ClassDef) -> list[str]:
    return [
        node.target.id for node in type_.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def test_no_docstring_of_a_type_explains_its_fields() -> None:
    """A paragraph of "`field`: meaning" is not updated when the field is; a text under the field is."""
    explained = [
        f"{name} {type_.name}.{field}"
        for name, type_ in _types()
        for field in _fields(type_)
        if re.search(rf"`{field}`(?: set| None| False| empty)?(?::| is | are )", ast.get_docstring(type_) or "")
    ]
    assert explained == []


def test_what_none_means_is_said_of_most_fields_that_may_be_none() -> None:
    """Of such fields of value types nothing else tells it. The share may only grow."""
    said, all_ = 0, 0
    for _, type_ in _types():
        for at, node in enumerate(type_.body):
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).endswith("| None"):
                all_ += 1
                after = type_.body[at + 1] if at + 1 < len(type_.body) else None
                said += isinstance(after, ast.Expr)
    assert all_ > 50
    assert said / all_ > 0.5, f"{said} of {all_}"
