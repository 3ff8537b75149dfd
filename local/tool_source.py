"""The sources a tool is built from: the pinned modules, for two tools with a change that is made at build time."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import PlatformError
from local.go import Go
from local.tool_table import Patch, Tool


def program_name(package: str) -> str:
    """How `go build` calls a package's program: its last element that is not a major version."""
    elements = [element for element in package.split("/") if not re.fullmatch(r"v\d+", element)]
    return elements[-1]


@contextmanager
def source_of(tool: Tool, folder: Path, go: Go) -> Iterator[tuple[Path, dict[str, str]]]:
    """Where to build, and which package stands for each of the tool's.

    A tool that is built as it is: where its go.mod is. For others a copy of that folder is made, with the patched
    packages inside, or with a copy of the whole module in place of the real one (go build's -overlay may not replace
    files of the module cache).
    """
    packages = {package: package for package in tool.programs}
    if not tool.patches and not tool.added:
        yield folder, packages
        return
    with tempfile.TemporaryDirectory(prefix=f"{tool.name}-") as name:
        copy = Path(name)
        for file in ("go.mod", "go.sum"):
            shutil.copyfile(folder / file, copy / file)
        source = go.module_folder(tool.name, tool.module, folder)
        for patch in tool.patches:
            inside = program_name(patch.package)
            (copy / inside).mkdir(exist_ok=True)
            _apply(tool, patch, source / patch.package.removeprefix(f"{tool.module}/"), copy / inside)
            packages[patch.package] = f"./{inside}"
        if tool.added:
            _add(tool, source, copy)
        yield copy, packages


def _apply(tool: Tool, patch: Patch, source: Path, target: Path) -> None:
    found = 0
    for file in sorted(source.glob("*.go")):
        if file.name.endswith("_test.go"):
            continue
        text = file.read_text()
        found += text.count(patch.old)
        (target / file.name).write_text(text.replace(patch.old, patch.new))
    if found != 1:
        raise PlatformError(f"{tool.name}: {patch.old} is in {patch.package} {found} times, not once")


def _add(tool: Tool, source: Path, copy: Path) -> None:
    module = copy / "module"
    for file in source.rglob("*"):
        if file.is_file():  # folders of the module cache may not be written: they are not copied as they are
            (module / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, module / file.relative_to(source))
    for path, text in tool.added.items():
        (module / path).parent.mkdir(parents=True, exist_ok=True)
        (module / path).write_text(text)
    with (copy / "go.mod").open("a") as go_mod:
        go_mod.write(f"\nreplace {tool.module} => ./module\n")
