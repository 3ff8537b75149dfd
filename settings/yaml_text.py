"""YAML as Pulumi's CLI reads it, within limits that hold before anything is made of it.

What the CLI makes of YAML was measured with pulumi 3.258.0 (`pulumi config --json`): booleans are true and false only
(`yes` is text), `010` is octal, a day without quotes becomes `2026-12-31 00:00:00 +0000 UTC`, a key that stands twice
is an error. Where Go reads a number beyond its range as text or as another number (gopkg.in/yaml.v3, resolve.go), or
fails later (`.inf` is no JSON), this reader says so at once.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from settings.documents import KIB, MOST_BYTES, MOST_DEPTH, DocumentError, file_text, finite_number, whole_number

MOST_NODES = 20_000
"""Keys, values, lists and mappings, with aliases counted as what they name."""

_TAGS = {None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_Size = tuple[int, int]  # nodes, characters


def yaml_document(text: str) -> Any:
    """The value of a YAML text of one document; raises DocumentError with line and reason, without the file's name."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise DocumentError(f"longer than {MOST_BYTES // KIB} KiB, more than is read")
    try:
        _check_size(yaml.parse(text, Loader=_Loader))
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise DocumentError(_where(error)) from None


def yaml_file(path: Path) -> Any:
    """The value of a YAML file; raises DocumentError with the file's name, the line and the reason."""
    text = file_text(path)
    try:
        return yaml_document(text)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from None


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = " ".join((getattr(error, "problem", None) or str(error)).split())
    return f"line {mark.line + 1}: {problem}" if mark else problem


@dataclass
class _Open:
    """A list or mapping whose end has not been read."""

    anchor: str | None
    line: int
    nodes: int = 1
    characters: int = 0


@dataclass
class _Sizes:
    """What has been read so far: anchors with what they stand for, and what is still open."""

    anchors: dict[str, _Size] = field(default_factory=dict)
    open: list[_Open] = field(default_factory=lambda: [_Open(None, 0)])

    def add(self, size: _Size, line: int) -> None:
        here = self.open[-1]
        here.nodes, here.characters = here.nodes + size[0], here.characters + size[1]
        if sum(collection.nodes for collection in self.open) > MOST_NODES:
            raise _beyond(line, f"more than {MOST_NODES:,} keys and values, aliases counted as what they name")
        if sum(collection.characters for collection in self.open) > MOST_BYTES:
            raise _beyond(line, f"more than {MOST_BYTES // KIB} KiB of text, aliases counted as what they name")


def _check_size(events: Iterator[Any]) -> None:
    """Reads to the end, or to the first limit, without making anything."""
    sizes = _Sizes()
    for event in events:
        line = event.start_mark.line
        if isinstance(event, yaml.AliasEvent):
            _check_alias(sizes, str(event.anchor), line)
        elif isinstance(event, yaml.ScalarEvent):
            _check_tag(event.tag, line)
            size = (1, len(event.value))
            if event.anchor:
                sizes.anchors[event.anchor] = size
            sizes.add(size, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            _check_tag(event.tag, line)
            sizes.open.append(_Open(event.anchor, line))
            if len(sizes.open) - 1 > MOST_DEPTH:
                raise _beyond(line, f"nested deeper than {MOST_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            done = sizes.open.pop()
            if done.anchor:
                sizes.anchors[done.anchor] = (done.nodes, done.characters)
            sizes.add((done.nodes, done.characters), line)


def _check_alias(sizes: _Sizes, anchor: str, line: int) -> None:
    if any(collection.anchor == anchor for collection in sizes.open):
        raise _beyond(line, f"*{anchor} stands inside of what it names, without end")
    sizes.add(sizes.anchors.get(anchor, (1, 0)), line)


def _check_tag(tag: str | None, line: int) -> None:
    if tag not in _TAGS:
        raise _beyond(line, f"tag {str(tag).replace('tag:yaml.org,2002:', '!!')}; write the value without a tag")


def _beyond(line: int, what: str) -> DocumentError:
    return DocumentError(f"line {line + 1}: {what}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML with the words of YAML 1.2 as gopkg.in/yaml.v3 reads them."""

    yaml_implicit_resolvers: Any = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        lines: dict[str, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key_node.value in lines:
                problem = f"key {key_node.value} stands twice, first in line {lines[key_node.value]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            lines[key_node.value] = key_node.start_mark.line + 1
            key_node.tag = "tag:yaml.org,2002:str"  # Pulumi's keys are text: `1:` and `true:` too
        made: dict[str, Any] = super().construct_mapping(node, deep)
        return made


class WrittenInt(int):
    """A whole number that stands otherwise in the file (`0123`, `1_000`): messages show it as it was written."""

    written: str


class WrittenFloat(float):
    """The same of a number with a fraction: `1.30`."""

    written: str


def _as_written(number: float, written: str) -> float:
    if str(number) == written:
        return number
    kept = WrittenInt(number) if isinstance(number, int) else WrittenFloat(number)
    kept.written = written
    return kept


def _integer(loader: Any, node: yaml.ScalarNode) -> float:
    written = str(loader.construct_scalar(node))
    text = written.replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", text)
    try:
        return _as_written(whole_number(f"{octal[1]}0o{octal[2]}" if octal else text), written)
    except DocumentError as error:
        raise _at(node, str(error).replace(text, written, 1)) from None


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node))
    try:
        return _as_written(finite_number(text.replace("_", "")), text)
    except ValueError as error:
        raise _at(node, str(error) if isinstance(error, DocumentError) else f"{text} is no number") from None


def _not_finite(loader: Any, node: yaml.ScalarNode) -> float:
    raise _at(node, f"{node.value} is no finite number; write the number, or leave the key out")


def _at(node: yaml.ScalarNode, problem: str) -> yaml.YAMLError:
    error: yaml.YAMLError = yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return error


def _day(loader: Any, node: yaml.ScalarNode) -> str:
    text = str(loader.construct_scalar(node))
    try:
        return f"{datetime.date.fromisoformat(text)} 00:00:00 +0000 UTC"
    except ValueError:
        return text


_WORDS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*|0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("not-finite", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", list("0123456789")),
    ("merge", r"<<", ["<"]),
)  # fmt: skip
for _tag, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:not-finite", _not_finite)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
