"""Building the programs of one folder of tools/ in one `go build`, and keeping each under the hash of what decides it.

One command for all, so that a package is compiled once and one program is linked while another is still compiled. A
program appears in the cache by one rename; what Go has compiled when a build ends early is in Go's own cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version as package_version
from pathlib import Path

from local.build.go import Go, module_version
from local.build.limits import (
    available_gibibytes,
    cores,
    parallel_compilers,
    refuse_without_space,
    with_advice,
)
from local.build.progress import progress_of
from local.build.source import make_workspace, own_files, program_name
from local.build.source_changes import Workspace
from local.build.table import Tool
from local.build.workspaces import workspace
from local.host.errors import BuildFailed

# Without debugger tables the whole set compiles in a sixth less time; stack traces stay.
COMPILE_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
# Without symbol tables, which are not read here.
LINK_FLAGS = "-s -w"


def link_flags(tool: Tool, folder: Path) -> str:
    """Linker flags of a tool's programs with the versions filled in."""
    if not tool.link_flags:
        return LINK_FLAGS
    version = module_version(folder / "go.mod", tool.module)
    major, minor = version.removeprefix("v").split(".")[:2]
    sdk = package_version(tool.version_of) if tool.version_of else ""
    return f"{LINK_FLAGS} {tool.link_flags.format(version=version, major=major, minor=minor, sdk=sdk)}"


def content_key(tool: Tool, folder: Path, go_identity: str, how: Workspace | None = None) -> str:
    """Hash of all that decides what a build gives: sources, pins, changes, flags, companions, Go and platform."""
    how = how or workspace(tool.folder)
    digest = hashlib.sha256()
    for file in own_files(folder):
        digest.update(file.read_bytes())
    for pins in sorted({copy.pinned_in for copy in how.copies if copy.pinned_in}):
        digest.update((folder.parent / pins / "go.sum").read_bytes())
    parts = {
        "flags": [*COMPILE_FLAGS, link_flags(tool, folder)],
        "workspace": _decides(how),
        "companions": dict(tool.companions),
        "programs": dict(tool.programs),
        "go": go_identity,
    }
    digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _decides(how: Workspace) -> dict[str, object]:
    """A workspace's content. Not its repr, and no reasons: a renamed class or a reworded `why` builds nothing again."""
    copies = [
        {
            "module": copy.module,
            "files": dict(copy.files),
            "changes": [[change.path, change.old, change.new, change.times] for change in copy.changes],
            "added": dict(copy.added),
            "pinned_in": copy.pinned_in,
        }
        for copy in how.copies
    ]
    return {"tags": how.tags, "copies": copies}


def kept_in(tool: Tool, folder: Path, cache: Path, go: Go) -> Path:
    """The folder in the cache where a tool's programs are, once they are built."""
    return cache / "tools" / f"{tool.name}-{content_key(tool, folder, go.identity)}"


def names_of(tool: Tool) -> list[str]:
    """Names of all files of a tool that are used."""
    return [*tool.programs.values(), *tool.companions.values()]


def kept(tool: Tool, where: Path) -> dict[str, Path] | None:
    """The programs of a tool in its folder of the cache, or None if one of them is not there."""
    programs = {name: where / name for name in names_of(tool)}
    return programs if all(os.access(path, os.X_OK) for path in programs.values()) else None


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds a lock file; a second build of the same waits here and then finds the first one's result."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"  {file.stem}: another process is building it, waiting", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def built(tools: Sequence[Tool], folder: Path, cache: Path, go: Go) -> dict[str, Path]:
    """Programs of the tools of one folder in the cache; those that are not there are built now, together."""
    with locked(cache / "locks" / f"{folder.name}.lock"):
        places = {tool.name: kept_in(tool, folder, cache, go) for tool in tools}
        missing = [tool for tool in tools if kept(tool, places[tool.name]) is None]
        if missing:
            _build(missing, folder, places, cache / "tools" / f".{folder.name}.unfinished", go)
    programs: dict[str, Path] = {}
    for tool in tools:
        program = kept(tool, places[tool.name])
        assert program is not None
        programs |= program
    return programs


def _build(tools: Sequence[Tool], folder: Path, places: dict[str, Path], unfinished: Path, go: Go) -> None:
    """Everything unfinished, Go's temporary files too, is in one folder, which the next build empties."""
    label = folder.name if len(tools) > 1 else tools[0].name
    shutil.rmtree(unfinished, ignore_errors=True)
    made, source, temporary = (unfinished / name for name in ("bin", "source", "tmp"))
    for directory in (made, source, temporary):
        directory.mkdir(parents=True)
    how = workspace(tools[0].folder)
    try:
        make_workspace(label, how, folder, source, go)
        flags = build_flags(tools, folder, how)
        packages = [package for tool in tools for package in tool.programs]
        environment = go.building(temporary)
        parallel = parallel_compilers(cores(), available_gibibytes())
        progress = progress_of(go, flags, packages, source, environment, parallel)
        refuse_without_space(go, unfinished, progress)
        print(f"  {label}: {progress.plan()}", flush=True)
        command = ["build", "-p", str(parallel), *flags, "-v", "-o", f"{made}/", *packages]
        go.run(label, command, source, environment, progress)
        for tool in tools:
            _keep(tool, folder, made, places[tool.name], go)
    except BuildFailed as failed:
        raise with_advice(failed) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def build_flags(tools: Sequence[Tool], folder: Path, how: Workspace) -> list[str]:
    """Flags of the one `go build`; linker flags of a program are said for its package only."""
    flags = [*COMPILE_FLAGS, *(["-tags", how.tags] if how.tags else []), f"-ldflags={LINK_FLAGS}"]
    for tool in tools:
        if tool.link_flags:
            flags += [f"-ldflags={package}={link_flags(tool, folder)}" for package in tool.programs]
    return flags


def _keep(tool: Tool, folder: Path, made: Path, target: Path, go: Go) -> None:
    """Moves a tool's programs and companions into the cache in one step."""
    finished = made / f".{tool.name}"
    finished.mkdir()
    for package, name in tool.programs.items():
        program = made / program_name(package)
        if not program.exists():
            raise BuildFailed(tool.name, ["go", "build", package], f"it made no {program.name}")
        program.rename(finished / name)
    if tool.companions:
        source = go.module_folder(tool.name, tool.module, folder)
        for path, name in tool.companions.items():
            shutil.copyfile(source / path, finished / name)
            (finished / name).chmod(0o755)
    if target.exists():  # a file of it was taken away: nothing half is taken for whole
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    finished.rename(target)
