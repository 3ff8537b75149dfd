"""Request traces as a stream of array chunks: Azure's LLM inference CSV, Mooncake's JSON lines.

Memory does not grow with the file. A wrong line is named by its number. Timestamps of Azure's format are read without a
calendar library: the date counts days, its fixed columns give the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from settings.documents import DocumentError, once_each
from simulation.engine_limits import PICOSECONDS

Ints = NDArray[np.int64]
CHUNK = 65_536
AZURE_HEADER = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_MOST_TOKENS = 10**8
_MOST_LINE_BYTES = 2**20
_LONGEST_PS = 90 * 86_400 * PICOSECONDS  # picoseconds since the start must stay within 63 bits with room to run on


class WrongTrace(ValueError):
    """The trace cannot be read; the text names file and line."""


@dataclass(frozen=True)
class Requests:
    """A piece of a trace, by time: arrivals in picoseconds from the trace's start, lengths in tokens."""

    arrivals_ps: Ints
    inputs: Ints
    outputs: Ints


def read_trace(path: Path) -> Iterator[Requests]:
    """The chunks of a trace file, its format taken from its first line; raises WrongTrace, OSError."""
    first = next((line for line in _lines(path) if line.strip()), "")
    if not first:
        raise WrongTrace(f"{path}: empty")
    parse = _mooncake if first.lstrip().startswith("{") else _azure
    yield from _chunks(path, parse(path, _lines(path)))


def _lines(path: Path) -> Iterator[str]:
    """The file's lines, none longer than a trace's can be; raises WrongTrace with the number of a wrong one."""
    if not path.exists():
        raise WrongTrace(f"{path}: there is no such file")
    if not path.is_file():
        raise WrongTrace(f"{path}: no file; a trace is read twice")
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(_MOST_LINE_BYTES + 1)
            if len(line) > _MOST_LINE_BYTES:
                raise WrongTrace(f"{path}:{number}: longer than {_MOST_LINE_BYTES} characters")
            if not line:
                return
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as problem:
                byte = line[problem.start]
                raise WrongTrace(
                    f"{path}:{number}: byte 0x{byte:02x} at {problem.start + 1} is not UTF-8; a trace is text (unpack "
                    "it, or convert it with iconv)"
                ) from None


def _chunks(path: Path, rows: Iterable[tuple[int, int, int, int]]) -> Iterator[Requests]:
    """Rows of (line, picoseconds, input, output) to chunks, checked for order and range."""
    start: int | None = None
    last = 0
    held: list[tuple[int, int, int]] = []
    for line, time_ps, inputs, outputs in rows:
        start = time_ps if start is None else start
        since = time_ps - start
        if since < last:
            early = (last - since) / PICOSECONDS
            raise WrongTrace(f"{path}:{line}: {early:g} s earlier than the line before; sort the trace by time")
        if since > _LONGEST_PS:
            raise WrongTrace(f"{path}:{line}: more than 90 days after the first request")
        if inputs < 0 or outputs < 0 or inputs + outputs == 0 or max(inputs, outputs) > _MOST_TOKENS:
            raise WrongTrace(f"{path}:{line}: {inputs} input and {outputs} output tokens; a request has some of both")
        last = since
        held.append((since, max(1, inputs), max(1, outputs)))
        if len(held) == CHUNK:
            yield _chunk(held)
            held = []
    if start is None:
        raise WrongTrace(f"{path}: no requests")
    if held:
        yield _chunk(held)


def _chunk(held: list[tuple[int, int, int]]) -> Requests:
    columns = np.array(held, np.int64).T
    return Requests(columns[0].copy(), columns[1].copy(), columns[2].copy())


def _azure(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, int, int, int]]:
    places: list[int] | None = None
    day = ""
    midnight_ps = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if '"' in line:
            raise WrongTrace(f"{path}:{number}: {line.strip()[:80]!r} is quoted; write cells without quotes")
        cells = line.rstrip("\r\n").split(",")
        if places is None:
            missing = [name for name in AZURE_HEADER if name not in cells]
            if missing:
                raise WrongTrace(
                    f"{path}:{number}: no column {', '.join(missing)}; Azure's are {','.join(AZURE_HEADER)}"
                )
            twice = [name for name in AZURE_HEADER if cells.count(name) > 1]
            if twice:
                raise WrongTrace(f"{path}:{number}: column {', '.join(twice)} stands twice; leave one")
            places = [cells.index(name) for name in AZURE_HEADER]
            continue
        try:
            stamp, inputs, outputs = (cells[place].strip() for place in places)
            if stamp[:10] != day:
                day, midnight_ps = stamp[:10], 86_400 * PICOSECONDS * _days(stamp[:10])
            yield number, midnight_ps + round(_seconds(stamp[11:]) * PICOSECONDS), int(inputs), int(outputs)
        except (ValueError, IndexError):
            example = "2023-11-16 18:17:03.9799600,4808,10"
            raise WrongTrace(f"{path}:{number}: {line.strip()[:80]!r}; wanted is for example {example}") from None


def _mooncake(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, int, int, int]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=once_each)
            time_ps = round(float(row["timestamp"]) * (PICOSECONDS // 1000))
            yield number, time_ps, int(row["input_length"]), int(row["output_length"])
        except DocumentError as problem:
            raise WrongTrace(f"{path}:{number}: {problem}") from None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            example = '{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [...]}'
            raise WrongTrace(f"{path}:{number}: {line.strip()[:80]!r}; wanted is for example {example}") from None


def _days(date: str) -> int:
    """Days since a fixed day of the civil calendar (Howard Hinnant's days_from_civil)."""
    year, month, day = int(date[0:4]), int(date[5:7]), int(date[8:10])
    if date[4] != "-" or date[7] != "-" or not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(date)
    year -= month <= 2
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year // 400 * 146_097 + year % 400 * 365 + year % 400 // 4 - year % 400 // 100 + of_year


def _seconds(clock: str) -> float:
    """Seconds of `18:17:03.9799600`, with or without a fraction or a zone that is UTC."""
    clock = clock.removesuffix("Z").removesuffix("+00:00")
    hours, minutes, rest = int(clock[0:2]), int(clock[3:5]), float(clock[6:])
    if clock[2] != ":" or clock[5] != ":" or not (hours < 24 and minutes < 60 and 0 <= rest < 61):
        raise ValueError(clock)
    return hours * 3600 + minutes * 60 + rest
