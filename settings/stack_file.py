"""`Pulumi.<stack>.yaml` read as Pulumi's CLI reads it, without the CLI, and without anything being decrypted.

YAML is read by `settings.yaml_text`. As measured with pulumi 3.258.0 (`pulumi config --json`), a key without project
gets this project's, and `project:config:key` is an old spelling of `project:key`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings.documents import DocumentError
from settings.secrets import leaves
from settings.yaml_text import yaml_file

SECURE = "secure"


class StackFileError(Exception):
    """The file is not there, or is no YAML that Pulumi would take; the text says where."""


@dataclass(frozen=True)
class StackFile:
    """Configuration by full key (`project:key`): its text, as a program sees it, and which keys are encrypted.

    An encrypted value's text is empty: it can only be stood in for. `written`: numbers that YAML changed, as they
    stand, by place; keys of this project without prefix.
    """

    stack: str
    project: str
    texts: Mapping[str, str] = field(repr=False)
    encrypted: frozenset[str]
    written: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, repr=False)

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
        names = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
        raise StackFileError(f"there is no stack file Pulumi.{stack}.yaml; stacks: {', '.join(names) or 'none'}")
    document = _load(path)
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise StackFileError(f"{path.name}: config is no mapping (key: value)")
    texts: dict[str, str] = {}
    encrypted = set()
    written: dict[tuple[str | int, ...], str] = {}
    for key, value in config.items():
        name = _full_key(str(key), project)
        if name in texts:
            raise StackFileError(f"{path.name}: {name} is set twice, in two spellings")
        if _holds_secure(value):
            encrypted.add(name)
            texts[name] = ""
        else:
            texts[name] = _text(value)
            ours = (name.removeprefix(f"{project}:"),)
            written |= {place: leaf.written for place, leaf in leaves(value, ours) if hasattr(leaf, "written")}
    return StackFile(stack, project, texts, frozenset(encrypted), written)


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
    """Numbers as Go writes them: 5.0 is 5, and from 1e21 on there is an exponent."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml_file(path)
    except DocumentError as error:
        raise StackFileError(str(error)) from None
    if document is not None and not isinstance(document, dict):
        raise StackFileError(f"{path.name}: the file is no mapping (key: value)")
    return document or {}
