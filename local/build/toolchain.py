"""The platform's programs in `.tools/bin`: found on PATH, or built once and kept in the user's cache.

A build is kept under the hash of everything that decides it (tool_build.py), so a second clone and CI reuse it, and a
change of go.mod, go.sum, flags or Go makes a new one. What is found and what is built is said before it starts.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path

from local.build.chart_table import DEFINITIONS, MODULE_CHARTS
from local.build.definitions import definitions
from local.build.envoy import PROGRAM, envoy
from local.build.go import find_go, program_version
from local.build.module_charts import module_chart
from local.build.plugins import installed_plugins, plugin_version, uses_installed_providers
from local.build.programs import built, kept, kept_in, locked, names_of
from local.build.table import NEEDS, TOOLS, Tool
from local.host.errors import PlatformError
from local.host.paths import Paths


@dataclass
class Found:
    """Programs that are on this machine already, and those that are not taken, with the reason."""

    programs: dict[str, Path] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)


def refusal(tool: Tool, program: str) -> str | None:
    """Why a program found on this machine is not taken; None if it is."""
    if tool.version_of:
        package, plugin = package_version(tool.version_of), plugin_version(program)
        if plugin == package:
            return None
        return (
            f"{program} is {plugin or 'of a version it does not say'}, the Python package {tool.version_of} {package}"
        )
    if tool.on_path is None:
        return None
    version = program_version(program, tool.on_path.arguments)
    if version is not None and tool.on_path.accepts(version):
        return None
    low, below, is_ = (".".join(map(str, part)) for part in (tool.on_path.low, tool.on_path.below, version or ()))
    return f"{program} is {is_ or 'of a version it does not say'}, wanted is {low} or newer and below {below}"


def on_path(tool: Tool, search: Sequence[str], usable: Found) -> dict[str, Path] | None:
    """All programs of a tool at good versions among the folders `search`, or None if one is not there."""
    if tool.only_beside:
        neighbour = usable.programs.get(tool.only_beside)
        search = [str(neighbour.resolve().parent), str(neighbour.parent)] if neighbour else []
    programs: dict[str, Path] = {}
    for name in names_of(tool):
        program = shutil.which(name, path=os.pathsep.join(search)) if search else None
        if program is None:
            return None
        reason = refusal(tool, program)
        if reason:
            usable.passed_over.append(reason)
            return None
        programs[name] = Path(program)
    return programs


def find_installed(tools: Iterable[Tool], search: Sequence[str]) -> Found:
    """What of these tools is on PATH or, for a provider, among the user's own Pulumi plugins."""
    installed = Found()
    for tool in tools:
        folders = list(search)
        if tool.version_of:
            own = installed_plugins(next(iter(tool.programs.values())), package_version(tool.version_of))
            folders = [*map(str, own), *folders]
        installed.programs |= on_path(tool, folders, installed) or {}
    return installed


def tools_of(needs: Iterable[str]) -> list[Tool]:
    """The tools of these needs, in the table's order; raises PlatformError for a need that there is not."""
    names: set[str] = set()
    for need in needs:
        if need not in NEEDS:
            raise PlatformError(f"there is no need {need!r} of tools; needs: {', '.join(NEEDS)}")
        names |= set(NEEDS[need])
    return [tool for tool in TOOLS if tool.name in names]


def ensure_tools(paths: Paths, needs: Iterable[str] = ("platform",), search: str | None = None) -> dict[str, Path]:
    """Makes the programs and CRDs of `needs` available under `.tools`; returns where each program really is.

    `search` is a PATH to look for usable programs in; default: the environment's.
    """
    needs = list(needs)
    chosen = [tool for tool in tools_of(needs) if not (tool.version_of and uses_installed_providers())]
    paths.cache.mkdir(parents=True, exist_ok=True)
    folders = [
        folder
        for folder in (search if search is not None else os.environ.get("PATH", "")).split(os.pathsep)
        if folder and Path(folder).resolve() != paths.tools_bin.resolve()
    ]
    installed = find_installed(chosen, folders)
    tools = [tool for tool in chosen if not set(names_of(tool)) <= set(installed.programs)]
    go = find_go(paths.cache)
    to_build = [
        tool for tool in tools if kept(tool, kept_in(tool, paths.repo / "tools" / tool.folder, paths.cache, go)) is None
    ]
    for line in plan_lines(installed, tools, to_build):
        print(line, flush=True)
    programs = dict(installed.programs)
    for folder in dict.fromkeys(tool.folder for tool in tools):
        together = [tool for tool in tools if tool.folder == folder]
        programs |= built(together, paths.repo / "tools" / folder, paths.cache, go)
    for name, program in programs.items():
        if paths.cache in program.parents:
            place(paths.tools_bin / name, program)
        else:
            link(paths.tools_bin / name, program)
    if "gateway" in needs:
        with locked(paths.cache / "locks" / "envoy.lock"):
            programs[PROGRAM] = envoy(paths)
        place(paths.tools_bin / PROGRAM, programs[PROGRAM])
    for row in DEFINITIONS:
        if row.need in needs:
            with locked(paths.cache / "locks" / f"crds-{row.chart}.lock"):
                link(paths.tools / "definitions" / row.chart, definitions(row, paths, go))
    for chart in MODULE_CHARTS:
        if chart.need in needs:
            with locked(paths.cache / "locks" / f"chart-{chart.chart}.lock"):
                link(paths.tools / "charts" / chart.chart, module_chart(chart, paths, go))
    return programs


def plan_lines(usable: Found, tools_needed: Sequence[Tool], to_build: Sequence[Tool]) -> list[str]:
    """What is there and what is built, for who waits; nothing where nothing is built or passed over."""
    lines = [f"  not taken: {reason}" for reason in usable.passed_over]
    if not to_build:
        return lines
    there = sorted(name for tool in tools_needed if tool not in to_build for name in tool.programs.values())
    if usable.programs:
        lines.append(f"  found: {', '.join(sorted(map(str, usable.programs.values())))}")
    if there:
        lines.append(f"  kept from before: {', '.join(there)}")
    names = sorted(name for tool in to_build for name in tool.programs.values())
    lines.append(f"  to build, once: {', '.join(names)}; Ctrl-C and run it again: it goes on where it was")
    return lines


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
    """A symbolic link that is replaced in one step, so that it is never missing."""
    where.parent.mkdir(parents=True, exist_ok=True)
    unfinished = where.with_name(f".{where.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.replace(where)
