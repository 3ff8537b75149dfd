"""Files and JSON texts from outside, read within limits: what is too large to mean well ends in one line.

The limits stand far above any real stack file (the longest here has 120 lines, 5 KiB) and far below what would make a
machine slow: a text at each of them is read in well under a second. YAML is read by `settings.yaml_text`.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

KIB = 1024
MOST_BYTES = 256 * KIB
"""Of a file, and of all its text once YAML's aliases stand for what they name."""
MOST_JSON_CHARACTERS = 1024 * KIB
"""Of one JSON text: Pulumi hands a section over as JSON, which is longer than YAML."""
MOST_DEPTH = 40
MOST_NUMBER_CHARACTERS = 40
MOST_SHOWN_CHARACTERS = 24

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class DocumentError(ValueError):
    """The text cannot be read, or is beyond a limit; one line that says where and what to do."""


def file_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """A file's text; raises DocumentError where it is no file, no UTF-8, or longer than `most_bytes`."""
    if not path.is_file():
        # A device or a pipe may never end.
        raise DocumentError(f"{path.name or path} is no file" if path.exists() else f"there is no file {path}")
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise DocumentError(f"{path.name} cannot be read: {error.strerror}") from None
    if len(content) > most_bytes:
        raise DocumentError(f"{path.name} is longer than {most_bytes // KIB} KiB, more than is read")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"{path.name} is no text in UTF-8 (line {line})") from None


def json_document(text: str, most_characters: int = MOST_JSON_CHARACTERS) -> Any:
    """A JSON text's value; raises DocumentError beyond a limit and json.JSONDecodeError where it is no JSON."""
    if len(text) > most_characters:
        raise DocumentError(f"is longer than {most_characters // KIB} KiB, more than is read")
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MOST_DEPTH:
            raise DocumentError(f"is nested deeper than {MOST_DEPTH} levels")
    value = json.loads(
        text,
        parse_int=whole_number,
        parse_float=finite_number,
        parse_constant=_no_number,
        object_pairs_hook=once_each,
    )
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError("holds half of a surrogate pair, which is no character") from None
    return value


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once; raises DocumentError: which of two values counts is left to each reader."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = next(key for key, _ in pairs if sum(other == key for other, _ in pairs) > 1)
    raise DocumentError(f"has the key {twice[:80]!r} twice in one object; leave one")


def json_file(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """The value of a JSON file; raises DocumentError with the file's name."""
    text = file_text(path, most_bytes)
    try:
        return json_document(text, most_bytes)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{path.name}: not JSON: {error}") from None
    except DocumentError as error:
        raise DocumentError(f"{path.name} {error}") from None


def whole_number(text: str) -> int:
    """`int(text, 0)` of at most 40 characters; raises DocumentError."""
    _check_length(text)
    try:
        return int(text, 0)
    except ValueError:
        raise DocumentError(f"{text} is no number; write its digits, or put it in quotes if it is text") from None


def finite_number(text: str) -> float:
    """`float(text)` of at most 40 characters, neither infinite nor NaN; raises DocumentError."""
    _check_length(text)
    value = float(text)
    if not math.isfinite(value):
        raise DocumentError(f"{text} is no finite number; write the number, or leave the key out")
    return value


def _check_length(text: str) -> None:
    if len(text) > MOST_NUMBER_CHARACTERS:
        raise DocumentError(
            f"{text[:MOST_SHOWN_CHARACTERS]}... is a number of {len(text)} characters; at most "
            f"{MOST_NUMBER_CHARACTERS} are read; put it in quotes if it is text"
        )


def _no_number(text: str) -> NoReturn:
    raise DocumentError(f"{text} is no finite number; write the number, or leave the key out")
