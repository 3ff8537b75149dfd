"""What the house says in one place: a name, a way to compare names, a way to register. A second copy drifts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from planning.versions.pins import CHARTS
from policies import rule
from preview import values
from tests.conftest import REPO
from tests.source import files, nodes, text

ROOMS = ("settings", "planning", "components", "preflight", "preview", "policies", "simulation", "advisor", "local")


def _files() -> Iterator[tuple[str, tuple[ast.AST, ...]]]:
    for room in ROOMS:
        for path in files(room):
            yield str(path.relative_to(REPO)), nodes(path)


@pytest.mark.parametrize(
    ("literal", "home"),
    [("nvidia.com/gpu", "planning/model/cloud.py"), ("vllm-on-eks/pool", "planning/model/cloud.py")],
)
def test_a_name_that_many_rooms_use_is_written_once(literal: str, home: str) -> None:
    files_with_it = [
        name for name, inside in _files() for node in inside if isinstance(node, ast.Constant) and node.value == literal
    ]
    assert files_with_it == [home]


@pytest.mark.parametrize(
    ("call", "homes"),
    [
        # Beside the one place: an algorithm over words of model ids, and an imitation of what a provider itself says.
        (
            "get_close_matches",
            {"settings/spelling.py", "planning/architectures/table.py", "local/providers/aws/schema.py"},
        ),
        ("CustomResource", {"components/manifest.py"}),
        ("set_root_resource", {"preview/recorder.py"}),  # tests/engine.py runs programs with it
        ("run_in_stack", {"preview/recorder.py"}),
    ],
)
def test_a_thing_that_is_done_in_one_way_is_done_in_one_place(call: str, homes: set[str]) -> None:
    files_with_it = {
        name
        for name, inside in _files()
        for node in inside
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) == call
    }
    assert files_with_it == homes


@pytest.mark.parametrize(
    "function", ["did_you_mean", "nearest", "mirrored", "server_labels", "custom_resource", "cron_values"]
)
def test_a_function_of_that_name_is_defined_once(function: str) -> None:
    files_with_it = [
        name
        for name, inside in _files()
        for node in inside
        if isinstance(node, ast.FunctionDef) and node.name == function and not name.startswith("local/providers/")
    ]
    assert len(files_with_it) == 1


def test_a_name_of_a_class_has_one_meaning() -> None:
    """In the product, its tools and figures: a reader who searches for a class finds one."""
    places: dict[str, list[str]] = {}
    for room in (*ROOMS, "tools", "bench"):
        for path in files(room):
            for node in nodes(path):
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(str(path.relative_to(REPO)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_the_version_of_a_chart_is_in_the_pins_only() -> None:
    """Of code; tables of facts say at which version a row was read, stand-in charts say whose they stand for."""
    versions = {pin.version for pin in CHARTS.values()}
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, sorted(versions))) + r")(?![\w.-]*\w)")
    copies = [
        f"{path.relative_to(REPO)}: {match[0]}"
        for room in ROOMS
        for path in files(room)
        if path != REPO / "planning/versions/pins.py"
        for match in pattern.finditer(text(path))
    ]
    assert copies == []


def test_names_of_weekdays_and_what_looks_like_a_credential_are_known_to_one_module() -> None:
    known = {
        word: [
            name
            for name, inside in _files()
            if any(isinstance(node, ast.Constant) and node.value == word for node in inside)
        ]
        for word in ("TUE", "THU")
    }
    assert known == {"TUE": ["settings/cron.py"], "THU": ["settings/cron.py"]}
    patterns = re.compile(r"gh[ps]_|AKIA|xox[bp]|hf_\[")
    assert [name for name, _ in _files() if patterns.search(text(REPO / name))] == []


def test_the_marks_of_secret_and_unknown_are_the_same_in_preview_and_policies() -> None:
    """Written twice: the recorder also runs beside another checkout's policies (preview/standalone.py)."""
    assert (rule.SECRET, rule.UNKNOWN) == (values.SECRET, values.UNKNOWN)
