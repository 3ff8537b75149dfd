"""The platform's programs in `.tools/bin`: found on PATH, or built once and kept in the user's cache.

A build is kept under the hash of everything that decides it, so a second clone and CI reuse it, and a change of
go.mod, go.sum, flags or Go makes a new one. It appears by one rename: an interrupted build leaves nothing usable.
"""

from __future__ import annotations

import fcntl
import filecmp
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.errors import BuildFailed, PlatformError
from local.go import Go, find_go, program_version
from local.paths import Paths
from local.tool_table import CRD_FOLDER, CRD_MODULE, TOOLS, Tool

# Without debugger tables the whole set compiles in a sixth less time; stack traces stay.
COMPILE_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")


def module_version(go_mod: Path, module: str) -> str:
    """The version that a go.mod requires of a module, e.g. v1.36.2."""
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise PlatformError(f"{go_mod} does not require {module}")
    return found[1]


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


def program_name(package: str) -> str:
    """How `go build` calls a package's program: its last element that is not a major version."""
    elements = [element for element in package.split("/") if not re.fullmatch(r"v\d+", element)]
    return elements[-1]


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
    flags = [*COMPILE_FLAGS, "-v", "-ldflags", link_flags(tool, folder)]
    command = ["build", *flags, "-o", f"{unfinished}/", *tool.programs]
    go.run(tool.name, command, folder)
    for package, name in tool.programs.items():
        made = unfinished / program_name(package)
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


def crds(paths: Paths, go: Go) -> Path:
    """Folder with the CRDs of monitoring.coreos.com, out of the pinned module (go.sum checks its content).

    Without the fields' descriptions: these decide nothing, and with them Helm's record of the release is larger
    than the 1 MiB that a Secret may have.
    """
    folder = paths.repo / "tools" / "crds"
    version = module_version(folder / "go.mod", CRD_MODULE)
    target = paths.cache / "crds" / f"prometheus-operator-{version}-plain"
    with _locked(paths.cache / "locks" / f"{target.name}.lock"):
        if not target.exists():
            source = go.module_folder("crds", CRD_MODULE, folder) / CRD_FOLDER
            unfinished = target.with_name(f".{target.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for path in sorted(source.glob("*.yaml")):
                crd = yaml.load(path.read_text(), Loader=_CrdLoader)
                text = json.dumps(without_descriptions(crd), separators=(",", ":"))
                (unfinished / path.name).write_text(text + "\n")  # JSON is YAML, and ten times as fast to read
            unfinished.rename(target)
    return target


class _CrdLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with a plain `=` as text: a matcher's enum has it, and PyYAML knows no value for its YAML 1.1 meaning."""


_CrdLoader.add_constructor("tag:yaml.org,2002:value", _CrdLoader.construct_yaml_str)


def without_descriptions(schema: Any) -> Any:
    """A CRD without what `description` says of its fields; a field that is itself called so has a schema and stays."""
    if isinstance(schema, dict):
        return {
            key: without_descriptions(value)
            for key, value in schema.items()
            if not (key == "description" and isinstance(value, str))
        }
    return [without_descriptions(each) for each in schema] if isinstance(schema, list) else schema


def ensure_tools(paths: Paths, search: str | None = None) -> dict[str, Path]:
    """Makes every program and the CRDs available under `.tools`; returns where each program really is.

    `search` is a PATH to look for usable programs in; default: the environment's.
    """
    paths.cache.mkdir(parents=True, exist_ok=True)
    folders = [
        folder
        for folder in (search if search is not None else os.environ.get("PATH", "")).split(os.pathsep)
        if folder and Path(folder).resolve() != paths.tools_bin.resolve()
    ]
    go = find_go(paths.cache)
    programs: dict[str, Path] = {}
    for tool in TOOLS:
        programs |= on_path(tool, folders, programs) or built(tool, paths.repo / "tools" / tool.folder, paths.cache, go)
    for name, program in programs.items():
        if paths.cache in program.parents:
            place(paths.tools_bin / name, program)
        else:
            link(paths.tools_bin / name, program)
    link(paths.tools / "crds", crds(paths, go))
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
