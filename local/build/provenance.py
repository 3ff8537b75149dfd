"""Where each program of `.tools/bin` comes from, as the program itself tells: Go writes its modules into it.

A module's hash there is compared with go.sum of today: a program of other pins, or not of ours, shows.
"""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path

from local.build.go import program_version
from local.build.table import TOOLS, Tool
from local.host.paths import Paths


@dataclass(frozen=True)
class BuiltFrom:
    """A module in a program: version, its hash (None where a copy that we changed was compiled)."""

    version: str
    hash: str | None


def built_from(program: Path, module: str) -> BuiltFrom | None:
    """What a program says of one of its modules; None where it says nothing.

    The lines of Go's build information (runtime/debug.BuildInfo.String, Go 1.18 and later): `dep`, path, version, hash;
    a replaced module has no hash and `=>` in the next line. They stand uncompressed in the file.
    """
    line = rb"\n(?:dep|mod)\t" + re.escape(module.encode()) + rb"\t(v[^\t\n]+)(?:\t(h1:[^\t\n]+))?\n"
    if program.stat().st_size == 0:
        return None
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        match = re.search(line, content)
        return BuiltFrom(match[1].decode(), match[2].decode() if match[2] else None) if match else None


def provenance_rows(paths: Paths) -> list[list[str]]:
    """Program, version and origin of each that is in `.tools/bin`."""
    return [
        [name, *_version_and_origin(tool, paths.tools_bin / name, paths)]
        for tool in TOOLS
        for name in tool.programs.values()
        if (paths.tools_bin / name).exists()
    ]


def _version_and_origin(tool: Tool, program: Path, paths: Paths) -> tuple[str, str]:
    if program.is_symlink():
        numbers = program_version(program, tool.on_path.arguments) if tool.on_path else None
        said = "v" + ".".join(map(str, numbers)) if numbers else "not said"
        return said, f"not built here: {os.readlink(program)}"
    sums = paths.repo / "tools" / tool.folder / "go.sum"
    built = built_from(program, tool.module)
    if built is None:
        return "not said", "UNKNOWN: it does not say what it was built from; remove it and run make up"
    version = f"v{package_version(tool.version_of)}" if tool.version_of else built.version
    where = f"tools/{tool.folder}/go.sum"
    pinned = [line.split() for line in sums.read_text().splitlines()]
    if built.hash is None:
        known = any(line[:2] == [tool.module, built.version] for line in pinned)
        return version, f"built, module changed by us, original in {where}" if known else _other(where)
    return version, f"built, hash in {where}" if [tool.module, built.version, built.hash] in pinned else _other(where)


def _other(where: str) -> str:
    return f"OTHER: its module is not in {where}; make up builds it again"
