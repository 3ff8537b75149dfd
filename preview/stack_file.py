"""`Pulumi.<stack>.yaml` read as Pulumi's CLI reads it, without the CLI, and without anything being decrypted.

What the CLI makes of YAML was measured with pulumi 3.258.0 (`pulumi config --json`): booleans are true and false only
(`yes` is text), `010` is octal, a day without quotes becomes `2026-12-31 00:00:00 +0000 UTC`, a key that stands twice
is an error, a key without project gets this project's, `project:config:key` is an old spelling of `project:key`.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SECURE = "secure"


class StackFileError(Exception):
    """The file is not there, or is no YAML that Pulumi would take; the text says where."""


@dataclass(frozen=True)
class StackFile:
    """Configuration by full key (`project:key`): its text, as a program sees it, and which keys are encrypted.

    An encrypted value's text is empty: it can only be stood in for.
    """

    stack: str
    project: str
    texts: Mapping[str, str] = field(repr=False)
    encrypted: frozenset[str]

    def ours(self) -> dict[str, str]:
        """Texts of this project's keys, without the prefix."""
        prefix = f"{self.project}:"
        return {key.removeprefix(prefix): text for key, text in self.texts.items() if key.startswith(prefix)}

    def ours_encrypted(self) -> set[str]:
        """This project's encrypted keys, without the prefix."""
        return {key.removeprefix(f"{self.project}:") for key in self.encrypted if key.startswith(f"{self.project}:")}


def read_stack_file(root: Path, stack: str) -> StackFile:
    """The configuration of a stack of the project in `root`; raises StackFileError."""
    project = _project(root)
    path = root / f"Pulumi.{stack}.yaml"
    if not re.fullmatch(r"[\w.-]+", stack) or not path.is_file():
        names = sorted(found.name.split(".")[1] for found in root.glob("Pulumi.*.yaml"))
        raise StackFileError(f"there is no stack file Pulumi.{stack}.yaml; stacks: {', '.join(names) or 'none'}")
    document = _load(path)
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise StackFileError(f"{path.name}: config is no mapping (key: value)")
    texts: dict[str, str] = {}
    encrypted = set()
    for key, value in config.items():
        name = _full_key(str(key), project)
        if name in texts:
            raise StackFileError(f"{path.name}: {name} is set twice, in two spellings")
        if _holds_secure(value):
            encrypted.add(name)
            texts[name] = ""
        else:
            texts[name] = _text(value)
    return StackFile(stack, project, texts, frozenset(encrypted))


def _project(root: Path) -> str:
    path = root / "Pulumi.yaml"
    if not path.is_file():
        raise StackFileError("there is no Pulumi.yaml here: run it in the checkout")
    name = _load(path).get("name")
    if not isinstance(name, str):
        raise StackFileError("Pulumi.yaml has no name")
    return name


def _full_key(key: str, project: str) -> str:
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":
        return f"{parts[0]}:{parts[2]}"
    return key if len(parts) > 1 else f"{project}:{key}"


def _holds_secure(value: Any) -> bool:
    """Whether Pulumi takes the value for a secret: `secure:` on top, or anywhere below."""
    if isinstance(value, dict):
        return (set(value) == {SECURE} and isinstance(value[SECURE], str)) or any(map(_holds_secure, value.values()))
    return isinstance(value, list) and any(map(_holds_secure, value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Numbers as Go writes them: 5.0 is 5."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise StackFileError(f"{path.name}: {_where(error)}") from None
    except UnicodeDecodeError:
        raise StackFileError(f"{path.name} is no text in UTF-8") from None
    if document is not None and not isinstance(document, dict):
        raise StackFileError(f"{path.name}: the file is no mapping (key: value)")
    return document or {}


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else problem


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


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", text)
    return int(f"{octal[1]}0o{octal[2]}" if octal else text, 0)


def _day(loader: Any, node: yaml.ScalarNode) -> str:
    text = str(loader.construct_scalar(node))
    try:
        return f"{datetime.date.fromisoformat(text)} 00:00:00 +0000 UTC"
    except ValueError:
        return text


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    return float(str(loader.construct_scalar(node)).replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


_WORDS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*|0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", list("0123456789")),
    ("merge", r"<<", ["<"]),
)  # fmt: skip
for _tag, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
