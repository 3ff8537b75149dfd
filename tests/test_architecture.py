"""Holds the directions of DESIGN: settings → planning → components → __main__; preflight, preview, … beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from tests.conftest import REPO
from tests.source import files, nodes, text

ROOMS = (
    "settings",
    "planning",
    "simulation",
    "advisor",
    "components",
    "preflight",
    "preview",
    "policies",
    "local",
    "bench",
)
MAY_IMPORT = {
    "settings": {"settings"},
    "planning": {"planning", "settings"},
    "components": {"components", "planning"},
    "preflight": {"preflight", "planning", "settings"},
    "preview": {"preview", "preflight", "components", "planning", "settings", "policies"},
    "policies": {"policies", "planning", "settings"},
    "simulation": {"simulation", "planning", "settings"},
    "advisor": {"advisor", "simulation", "planning", "settings"},
    "local": {"local", "simulation", "planning", "settings"},
    "bench": set(ROOMS) | {"tests"},
}
PLANNING_ORDER = (
    *("units", "facts", "model", "findings", "names", "versions", "backends", "architectures", "nodes", "starting"),
    *(
        "memory",
        "throughput",
        "scaling",
        "serving",
        "cluster",
        "cost",
        "alerts",
        "compose",
        "plan",
        "decide",
        "picture",
        "prepare",
        "simulation",
        "commands",
    ),
)
"""Rooms and single modules of planning/: each imports only what stands before it."""
LIMIT_LINES = {"__main__.py": 60}
PRODUCT = ("settings", "planning", "components", "preflight", "preview", "policies", "simulation", "advisor")
NETWORK = {"boto3", "botocore", "requests", "urllib", "http", "socket", "kubernetes", "grpc"}
TEXT_ONLY = {"urllib.parse"}  # takes addresses apart, reaches none
CLOCK_AND_ENVIRONMENT = {"time", "datetime", "os", "random", "subprocess"}


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno


def _found(room: str, forbidden: set[str], except_files: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path.relative_to(REPO)}:{line} imports {module}"
        for path in files(room)
        if path.name not in except_files and path != REPO / "planning" / "__main__.py"  # the advisor's door
        for module, line in _imports(path)
        if module.split(".")[0] in forbidden and module not in TEXT_ONLY
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    assert _found(room, set(ROOMS) - MAY_IMPORT[room]) == []


def _planning_room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "planning" and len(parts) > 1 and parts[1] != "__main__" else None


def test_a_room_of_planning_imports_only_rooms_before_it() -> None:
    upward = []
    for path in files("planning"):
        room = _planning_room(".".join(path.relative_to(REPO).with_suffix("").parts))
        if room is None or path == REPO / "planning" / "__init__.py":
            continue
        for module, line in _imports(path):
            target = _planning_room(module)
            if target is not None and PLANNING_ORDER.index(target) > PLANNING_ORDER.index(room):
                upward.append(f"{path.relative_to(REPO)}:{line} imports {module}")
    assert upward == []


# Shared parts and the composition lie beside the rooms; a room imports shared parts and rooms before it.
COMPONENT_ROOMS = ("aws", "cluster", "serving")


def _component_room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "components" and len(parts) > 1 and parts[1] in COMPONENT_ROOMS else None


def test_a_room_of_components_imports_only_rooms_before_it() -> None:
    upward = []
    for path in files("components"):
        module = ".".join(path.relative_to(REPO).with_suffix("").parts)
        room = _component_room(module)
        if module == "components.cluster_services":  # puts the rooms together
            continue
        for imported, line in _imports(path):
            target = _component_room(imported)
            if target and (room is None or COMPONENT_ROOMS.index(target) > COMPONENT_ROOMS.index(room)):
                upward.append(f"{path.relative_to(REPO)}:{line} imports {imported}")
    assert upward == []


def _graph() -> dict[str, set[str]]:
    """Which module of the product imports which, also where only a type checker does."""
    modules = {".".join(path.relative_to(REPO).with_suffix("").parts): path for room in PRODUCT for path in files(room)}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = {name for name, _ in _imports(path)}
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        graph[module] = {name for name in names if name in modules and name != module}
    return graph


def test_no_two_files_of_the_product_import_each_other() -> None:
    graph = _graph()
    mutual = {tuple(sorted((one, other))) for one, into in graph.items() for other in into if one in graph[other]}
    assert sorted(mutual) == []


def _private(path: Path) -> Iterator[str]:
    """Names with an underscore that the file takes from another module of ours, imported or by the module's name."""
    own = {*ROOMS, "tests", "tools"}
    ours: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in own:
            ours |= {alias.asname or alias.name for alias in node.names}
            names = (alias.name for alias in node.names if not alias.name.startswith("__"))  # __main__, __version__
            yield from (f"{node.lineno} {name}" for name in names if name.startswith("_"))
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and node.value.id in ours:
                yield f"{node.lineno} {node.value.id}.{node.attr}"


@pytest.mark.parametrize("room", [*ROOMS, "tests", "tools"])
def test_what_a_module_keeps_to_itself_no_other_module_names(room: str) -> None:
    """A test that wants it wants a public name; a helper that two test files share has a file of its own."""
    takers = [f"{path.relative_to(REPO)}:{name}" for path in files(room) for name in _private(path)]
    assert takers == []


# What the preview may take of planning/: values, the door that prepares them, and words.
SHOWN = {
    "planning.model",
    "planning.prepare",
    "planning.units",
    "planning.versions.definitions",
    "planning.versions.releases",
    "planning.versions.skew",
    "planning.versions.mirroring",
    "planning.serving.stages",
}


def test_the_preview_plans_nothing_again() -> None:
    taken = {module for path in files("preview") for module, _ in _imports(path) if module.startswith("planning")}
    assert sorted(taken - SHOWN) == []


def test_planning_knows_neither_pulumi_nor_network_nor_clock_nor_environment() -> None:
    forbidden = {"pulumi", "pulumi_aws", "pulumi_kubernetes", *NETWORK, *CLOCK_AND_ENVIRONMENT}
    assert _found("planning", forbidden) == []


def test_only_program_py_of_preflight_knows_pulumi_and_only_account_and_kube_the_network() -> None:
    assert _found("preflight", {"pulumi"}, except_files=("program.py",)) == []
    assert _found("preflight", NETWORK, except_files=("account.py", "kube.py")) == []


def test_only_load_py_of_settings_reads_pulumi() -> None:
    assert _found("settings", {"pulumi", *NETWORK}, except_files=("load.py",)) == []


@pytest.mark.parametrize("room", ["components", "planning", "preflight", "preview", "policies", "local", "__main__.py"])
def test_nobody_but_load_py_reads_configuration(room: str) -> None:
    readers = [
        str(path.relative_to(REPO))
        for path in files(room)
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr == "Config"
        and isinstance(node.value, ast.Name)
        and node.value.id == "pulumi"
    ]
    assert readers == []


def _local_room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "local" and len(parts) > 1 and (REPO / "local" / parts[1]).is_dir() else None


def test_the_embedded_platform_is_drawn_on_one_page() -> None:
    """ADR 20: rooms of local/ with Python, its command line among them, and the arrows between rooms."""
    arrows = set()
    rooms = {"__main__"}
    for path in files("local"):
        room = _local_room(".".join(path.relative_to(REPO).with_suffix("").parts)) or "__main__"
        rooms.add(room)
        arrows |= {
            (room, target) for module, _ in _imports(path) if (target := _local_room(module)) not in (None, room)
        }
    assert len(rooms) <= 15, sorted(rooms)
    between = {arrow for arrow in arrows if arrow[0] != "__main__"}
    assert 20 < len(between) <= 40, sorted(between)
    assert {tuple(sorted(map(str, arrow))) for arrow in between if arrow[::-1] in between} == {("engine", "vllm_cpu")}


def test_components_create_nothing_inside_apply() -> None:
    culprits = []
    for path in files("components"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
                calls = [inner for arg in node.args for inner in ast.walk(arg) if isinstance(inner, ast.Call)]
                culprits += [
                    f"{path.relative_to(REPO)}:{node.lineno}"
                    for call in calls
                    if any(keyword.arg == "opts" for keyword in call.keywords)
                ]
    assert culprits == []


@pytest.mark.parametrize("name", sorted(LIMIT_LINES))
def test_the_architecture_fits_one_screen(name: str) -> None:
    assert len((REPO / name).read_text(encoding="utf-8").splitlines()) <= LIMIT_LINES[name]


def test_the_product_has_no_file_or_function_that_hides_a_second_thing() -> None:
    long = []
    for room in ROOMS:
        for path in files(room):
            if (lines := text(path).count("\n")) > 300:
                long.append(f"{path.relative_to(REPO)}: {lines} lines")
            for node in nodes(path):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    if length > 60:
                        long.append(f"{path.relative_to(REPO)}:{node.lineno} {node.name}: {length} lines")
    assert long == []


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((REPO / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_a_component_registers_its_typed_outputs_under_their_own_names() -> None:
    """In Pulumi's spelling: `url` and `deployment_name` are `url` and `deploymentName` in the state."""
    wrong = []
    for path in files("components"):
        for component in nodes(path):
            if not isinstance(component, ast.ClassDef):
                continue
            typed = {
                to_camel(each.target.id)
                for each in component.body
                if isinstance(each, ast.AnnAssign)
                and isinstance(each.target, ast.Name)
                and ast.unparse(each.annotation).startswith("pulumi.Output")
            }
            calls = [
                call.args[0]
                for call in ast.walk(component)
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "self.register_outputs"
            ]
            for outputs in calls:
                assert isinstance(outputs, ast.Dict)
                keys = {key.value for key in outputs.keys if isinstance(key, ast.Constant)}
                wrong += [f"{component.name} does not register {name}" for name in sorted(typed - keys)]
                wrong += [f"{component.name}: {key}" for key in keys if "_" in str(key)]
    assert wrong == []
