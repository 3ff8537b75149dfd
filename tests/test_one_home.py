"""What the house says in one place: a name, a way to compare names, a way to register. A second copy drifts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import REPO

ROOMS = ("settings", "planning", "components", "preflight", "preview", "policies", "simulation", "advisor", "local")


def _files() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((REPO / room).rglob("*.py")):
            yield str(path.relative_to(REPO)), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("literal", "home"),
    [("nvidia.com/gpu", "planning/model/cloud.py"), ("vllm-on-eks/pool", "planning/model/cloud.py")],
)
def test_a_name_that_many_rooms_use_is_written_once(literal: str, home: str) -> None:
    found = [
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == literal
    ]
    assert found == [home]


@pytest.mark.parametrize(
    ("call", "homes"),
    [
        # Beside the one place: an algorithm over words of model ids, and an imitation of what a provider itself says.
        (
            "get_close_matches",
            {"settings/spelling.py", "planning/architectures/table.py", "local/providers/aws/schema.py"},
        ),
        ("CustomResource", {"components/manifest.py"}),
    ],
)
def test_a_thing_that_is_done_in_one_way_is_done_in_one_place(call: str, homes: set[str]) -> None:
    found = {
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) == call
    }
    assert found == homes


@pytest.mark.parametrize("function", ["did_you_mean", "nearest", "mirrored", "server_labels", "custom_resource"])
def test_a_function_of_that_name_is_defined_once(function: str) -> None:
    found = [
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function and not name.startswith("local/providers/")
    ]
    assert len(found) == 1
