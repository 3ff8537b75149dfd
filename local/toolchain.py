"""The platform's programs in `.tools/bin`: found on PATH, or built once and kept in the user's cache.

A build is kept under the hash of everything that decides it, so a second clone and CI reuse it, and a change of
go.mod, go.sum, flags or Go makes a new one. It appears by one rename: an interrupted build leaves nothing usable.
"""

from __future__ import annotations

import fcntl
import filecmp
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.definitions import definitions
from local.errors import BuildFailed, PlatformError
from local.go import Go, find_go, module_version, program_version
from local.paths import Paths
from local.tool_source import program_name, source_of
from local.tool_table import DEFINITIONS, NEEDS, TOOLS, Tool

# Without debugger tables the whole set compiles in a sixth less time; stack traces stay.
COMPILE_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")


def link_flags(tool: Tool, folder: Path) -> str:
    """Linker flags with the version filled in; without symbol tables, which nobody reads here."""
    if not tool.link_flags:
        return "-s -w"
    version = module_version(folder / "go.mod", tool.module)
    major, minor = version.removeprefix("v").split(".")[:2]
    return "-s -w " + tool.link_flags.format(version=version, major=major, minor=minor)


def content_key(tool: Tool, folder: Path, go_identity: str) -> str:
    """Hash of all that decides what a build gives: go.mod, go.sum, flags, companions, Go and platform."""
    told = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        told.update((folder / name).read_bytes())
    companions = sorted(tool.companions.items())
    flags = (*COMPILE_FLAGS, link_flags(tool, folder))
    told.update(repr((flags, companions, sorted(tool.programs.items()), go_identity)).encode())
    if tool.tags or tool.patches or tool.added:
        told.update(repr((tool.tags, tool.patches, sorted(tool.added.items()))).encode())
    if tool.companion_module:
        other, module = tool.companion_module.split(":", 1)
        told.update(module_version(folder.parent / other / "go.mod", module).encode())
    return told.hexdigest()[:16]


def on_path(tool: Tool, search: Sequence[str], accepted: dict[str, Path]) -> dict[str, Path] | None:
    """All programs of a tool at good versions among the folders `search`, or None if one is not there."""
    if tool.only_beside:
        neighbour = accepted.get(tool.only_beside)
        search = [str(neighbour.resolve().parent), str(neighbour.parent)] if neighbour else []
    found: dict[str, Path] = {}
    for name in [*tool.programs.values(), *tool.companions.values()]:
        program = shutil.which(name, path=os.pathsep.join(search)) if search else None
        if program is None:
            return None
        if tool.on_path is not None:
            version = program_version(program, tool.on_path.arguments)
            if version is None or not tool.on_path.accepts(version):
                return None
        found[name] = Path(program)
    return found


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Holds a lock file; a second build of the same tool waits here and then finds the first one's result."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"  {file.stem}: another process is building it, waiting", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def built(tool: Tool, folder: Path, cache: Path, go: Go) -> dict[str, Path]:
    """Programs of a tool in the cache, built now if they are not there."""
    target = cache / "tools" / f"{tool.name}-{content_key(tool, folder, go.identity)}"
    names = [*tool.programs.values(), *tool.companions.values()]
    with _locked(cache / "locks" / f"{target.name}.lock"):
        if not target.exists():
            _build(tool, folder, target, go)
    return {name: target / name for name in names}


def _build(tool: Tool, folder: Path, target: Path, go: Go) -> None:
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    tags = ["-tags", tool.tags] if tool.tags else []
    flags = [*COMPILE_FLAGS, *tags, "-v", "-ldflags", link_flags(tool, folder)]
    with source_of(tool, folder, go) as (place_of, packages):
        command = ["build", *flags, "-o", f"{unfinished}/", *packages.values()]
        go.run(tool.name, command, place_of)
    for package, name in tool.programs.items():
        made = unfinished / program_name(packages[package])
        if not made.exists():
            raise BuildFailed(tool.name, command, f"it made no {made.name}")
        made.rename(unfinished / name)
    if tool.companion_module:
        other, module = tool.companion_module.split(":", 1)
        source = go.module_folder(tool.name, module, folder.parent / other)
        for path, name in tool.companions.items():
            shutil.copyfile(source / path, unfinished / name)
            (unfinished / name).chmod(0o755)
    unfinished.rename(target)


def tools_of(needs: Iterable[str]) -> list[Tool]:
    """The tools of these needs, in the table's order; raises PlatformError for a need that there is not."""
    wanted: set[str] = set()
    for need in needs:
        if need not in NEEDS:
            raise PlatformError(f"there is no need {need!r} of tools; needs: {', '.join(NEEDS)}")
        wanted |= set(NEEDS[need])
    return [tool for tool in TOOLS if tool.name in wanted]


def ensure_tools(paths: Paths, needs: Iterable[str] = ("platform",), search: str | None = None) -> dict[str, Path]:
    """Makes the programs and CRDs of `needs` available under `.tools`; returns where each program really is.

    `search` is a PATH to look for usable programs in; default: the environment's.
    """
    needs = list(needs)
    chosen = tools_of(needs)
    paths.cache.mkdir(parents=True, exist_ok=True)
    folders = [
        folder
        for folder in (search if search is not None else os.environ.get("PATH", "")).split(os.pathsep)
        if folder and Path(folder).resolve() != paths.tools_bin.resolve()
    ]
    go = find_go(paths.cache)
    programs: dict[str, Path] = {}
    for tool in chosen:
        programs |= on_path(tool, folders, programs) or built(tool, paths.repo / "tools" / tool.folder, paths.cache, go)
    for name, program in programs.items():
        if paths.cache in program.parents:
            place(paths.tools_bin / name, program)
        else:
            link(paths.tools_bin / name, program)
    for row in DEFINITIONS:
        if row.need in needs:
            with _locked(paths.cache / "locks" / f"crds-{row.chart}.lock"):
                link(paths.tools / "definitions" / row.chart, definitions(row, paths, go))
    return programs


def place(where: Path, program: Path) -> None:
    """A hard link (a copy on another file system) to a kept program.

    Not a symbolic one: the Pulumi CLI looks for the language host in the folder that its own file really is in.
    """
    if where.exists() and not where.is_symlink() and filecmp.cmp(where, program, shallow=True):
        return
    where.parent.mkdir(parents=True, exist_ok=True)
    unfinished = where.with_name(f".{where.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    try:
        unfinished.hardlink_to(program)
    except OSError:
        shutil.copy2(program, unfinished)
    unfinished.replace(where)


def link(where: Path, target: Path) -> None:
    """A symbolic link that is replaced in one step, so that nobody ever finds it missing."""
    where.parent.mkdir(parents=True, exist_ok=True)
    unfinished = where.with_name(f".{where.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.replace(where)
