"""The sources that programs are built from: a folder of tools/ and, copied beside it, what its workspace says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from local.build.go import Go
from local.build.source_changes import Copy, SourceChange, Workspace
from local.host.errors import PlatformError


def program_name(package: str) -> str:
    """How `go build` calls a package's program: its last element that is not a major version."""
    elements = [element for element in package.split("/") if not re.fullmatch(r"v\d+", element)]
    return elements[-1]


def own_files(folder: Path) -> list[Path]:
    """What a folder of tools/ itself brings to a build: go.mod, go.sum and its own packages, in a fixed order."""
    return [folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go"))]


def make_workspace(label: str, how: Workspace, folder: Path, target: Path, go: Go) -> None:
    """Fills `target` with everything that `go build` needs; raises PlatformError where a change has lost its place.

    A copy of the folder, not the folder, since files are added; a copy of a whole module in the place of the original,
    since go build's -overlay may not replace files of the module cache.
    """
    for file in own_files(folder):
        (target / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / file.relative_to(folder))
    for number, copy in enumerate(how.copies):
        source = go.module_folder(label, copy.module, folder.parent / copy.pinned_in if copy.pinned_in else folder)
        if copy.files:
            _copy_files(label, copy, source, target)
        else:
            _copy_module(label, copy, source, target / f"module-{number}")
            with (target / "go.mod").open("a") as go_mod:
                go_mod.write(f"\nreplace {copy.module} => ./module-{number}\n")


def _copy_files(label: str, copy: Copy, source: Path, target: Path) -> None:
    for path, to in copy.files.items():
        text = _changed(label, copy, path, (source / path).read_text())
        if to.endswith(".json"):
            text = json.dumps(json.loads(text), separators=(",", ":"))
        (target / to).parent.mkdir(parents=True, exist_ok=True)
        (target / to).write_text(text)


def _copy_module(label: str, copy: Copy, source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file() and not file.name.endswith("_test.go"):
            where = target / file.relative_to(source)
            # Folders of the module cache may not be written: they are not copied as they are.
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, where)
    for path in {change.path for change in copy.changes}:
        (target / path).write_text(_changed(label, copy, path, _read(label, source / path)))
    _add(copy.added, target)


def _add(added: Mapping[str, str], target: Path) -> None:
    for path, text in added.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text)


def _read(label: str, file: Path) -> str:
    if not file.exists():
        raise PlatformError(f"{label}: {file.name} is not in its module any more, and has to be changed: {file}")
    return file.read_text()


def _changed(label: str, copy: Copy, path: str, text: str) -> str:
    for change in copy.changes:
        if change.path == path:
            text = _apply(label, copy.module, change, text)
    return text


def _apply(label: str, module: str, change: SourceChange, text: str) -> str:
    count = text.count(change.old)
    if count != change.times:
        raise PlatformError(
            f"{label}: {change.old.strip()!r} is in {module}/{change.path} {count} times, not {change.times}: "
            "this version needs another change in local/build (workspaces.py, platform_sources.py)"
        )
    return text.replace(change.old, change.new)
