"""The table of checks is whole: a check that no row names would never refuse anything."""

from __future__ import annotations

import ast

from planning.compose.checks import CHECKS
from tests.conftest import REPO


def _checks_of_settings() -> set[str]:
    """Functions of planning/ by the signature that the table takes: check_x(settings, findings)."""
    return {
        node.name
        for path in (REPO / "planning").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("check_")
        and [ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation] == ["StackSettings", "Findings"]
    }


def test_every_check_that_needs_settings_alone_is_in_the_table() -> None:
    table = ast.parse((REPO / "planning/compose/checks.py").read_text(encoding="utf-8"))
    rows = next(
        node.value for node in table.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CHECKS"
    )
    assert rows is not None
    named = {node.id for node in ast.walk(rows) if isinstance(node, ast.Name)}
    checks = _checks_of_settings()
    assert len(checks) > 10
    assert checks - named == {"check_examples"}  # plan_account asks it, with what else needs the cluster's plan


def test_every_row_has_a_name_of_its_own() -> None:
    names = [name for name, _ in CHECKS]
    assert len(names) == len(set(names))
