"""The charts in a folder, as `helm pull` leaves them there: archives, or unpacked. Nothing is fetched."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from settings.stack import StackSettings

CHART_FILE = "Chart.yaml"


@dataclass(frozen=True)
class FoundChart:
    """A chart on this machine. `path` is what a Release is given: an unpacked folder, or an archive (.tgz).

    `missing`: charts that it needs and that are not in it (Chart.yaml's `dependencies`); Helm refuses it then.
    """

    name: str
    version: str
    path: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartFolder:
    """What a folder holds. `problem`: why it could not be read, or None."""

    path: str
    charts: tuple[FoundChart, ...] = ()
    problem: str | None = None


def charts_of(settings: StackSettings | None, base: Path) -> ChartFolder | None:
    """What the folder of `registry.charts` holds, where that is a folder."""
    source = settings.registry.charts if settings else None
    return charts_in(source, base) if source is not None and "://" not in source else None


def charts_in(folder: str, base: Path) -> ChartFolder:
    """The charts right below `folder`; a relative one counts from `base`, where the program runs.

    Paths stay as they were written, or a stack's state would hold the paths of the last machine. What is no chart
    is passed over; never raises.
    """
    place = base / folder
    if not place.is_dir():
        return ChartFolder(folder, problem="is no folder" if place.exists() else "is not there")
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        return ChartFolder(folder, problem=f"cannot be read ({error.strerror})")
    charts = (_chart(entry, f"{folder.rstrip('/')}/{entry.name}") for entry in entries)
    return ChartFolder(folder, tuple(chart for chart in charts if chart is not None))


def _chart(entry: Path, written: str) -> FoundChart | None:
    try:
        if entry.is_dir():
            text, names = (entry / CHART_FILE).read_bytes(), _names(entry)
        elif entry.name.endswith((".tgz", ".tar.gz")):
            text, names = _from_archive(entry)
        else:
            return None
        about = yaml.safe_load(text)
    except (OSError, EOFError, tarfile.TarError, zlib.error, yaml.YAMLError, UnicodeDecodeError):
        return None
    if not isinstance(about, dict) or not isinstance(about.get("name"), str):
        return None
    return FoundChart(about["name"], str(about.get("version", "")), written, tuple(_missing(about, set(names))))


def _names(entry: Path) -> list[str]:
    folder = entry / "charts"
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _from_archive(entry: Path) -> tuple[bytes, list[str]]:
    """Chart.yaml of the chart in an archive, and what lies in its charts/ folder."""
    text, names = b"", []
    with tarfile.open(entry, "r:gz") as archive:
        for member in archive:
            parts = member.name.removeprefix("./").split("/")
            if len(parts) == 2 and parts[1] == CHART_FILE:
                file = archive.extractfile(member)
                text = file.read() if file else b""
            elif len(parts) > 2 and parts[1] == "charts":
                names.append(parts[2])
    return text, names


def _missing(about: dict[str, Any], names: Iterable[str]) -> Iterator[str]:
    """Dependencies that are in charts/ neither unpacked nor as an archive."""
    for dependency in about.get("dependencies") or ():
        name = str(dependency.get("name", "")) if isinstance(dependency, dict) else ""
        archive = re.compile(rf"{re.escape(name)}-v?\d.*")
        if name and not any(there == name or archive.fullmatch(there) for there in names):
            yield name
