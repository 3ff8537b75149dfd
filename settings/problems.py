"""What is wrong with a stack file, said so that the reader can fix it without a second look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic_core import ErrorDetails

from settings.findings import Finding, WrongValue, mistake
from settings.meant import meant
from settings.printable import printable
from settings.secrets import hidden, secret_kind
from settings.spelling import did_you_mean

PathPart = str | int
LONGEST_VALUE_SHOWN = 60
NOTHING: Mapping[Any, Any] = MappingProxyType({})
# Who reads what Pulumi hands over does not see what stood in the file.
AS_WRITTEN = " as you wrote it: YAML reads 0123 as octal and 1.30 as 1.3"
LONGEST_KEY_SHOWN = 120

# What to do instead, by pydantic's error type; {limit}s come from the error's own context.
ADVICE: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing: {description}", "add it"),
    "greater_than_equal": ("{value} is less than {ge}", "write {ge} or more"),
    "greater_than": ("{value} is not more than {gt}", "write more than {gt}"),
    "less_than_equal": ("{value} is more than {le}", "write {le} or less"),
    "less_than": ("{value} is not less than {lt}", "write less than {lt}"),
    "string_pattern_mismatch": ("{value} holds characters that may not stand there: {description}", "use others"),
    "string_too_long": ("{value} has more than {max_length} characters", "shorten it"),
    "string_too_short": ("{value} has fewer than {min_length} characters", "write {min_length} or more"),
    "too_long": ("has too many entries", "write at most {max_length}"),
    "too_short": ("has {actual_length} entries", "write at least {min_length}"),
    "union_tag_invalid": ("kind {tag} is unknown", "write one of {expected_tags}"),
    "union_tag_not_found": ("has no kind", "write kind: one of {kinds}"),
}
WANTED: Mapping[str, tuple[str, str]] = {
    "int_": ("a whole number", "write one"),
    "float_": ("a number", "write one"),
    "bool_": ("true or false", "write one of them"),
    "string_": ("text", "put it in quotes"),
    "tuple_": ("a list", "write lines that start with '-'"),
    "dict_": ("a mapping", "write key: value"),
    "model_": ("a mapping", "write key: value"),
    "model_attributes_": ("a mapping", "write key: value"),
    "finite_": ("a finite number", "write one"),
}


def path_text(parts: Sequence[PathPart]) -> str:
    """`("models", 0, "maxModelLen")` as `models[0].maxModelLen`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part, re.ASCII) and len(part) <= LONGEST_KEY_SHOWN:
            text += f".{part}" if text else part
        else:
            text += f'["{part if len(part) <= LONGEST_KEY_SHOWN else part[: LONGEST_KEY_SHOWN - 3] + "..."}"]'
    return hidden(printable(text), "(hidden)")


def shown(value: Any) -> str:
    """A value fit to be printed: short, and never one that looks like a credential."""
    text = printable(repr(value))
    if secret_kind(text):
        return "(a value that looks like a secret; not shown)"
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 3] + "..."


def meant_or_known(word: str, valid: Iterable[str]) -> str:
    """The hint that follows an unknown name: the nearest valid one, else all of them."""
    names = sorted(valid)
    return did_you_mean(word, names, most=1) or f"known are: {', '.join(names)}"


def written_path(location: Sequence[PathPart], document: Any, schema: SchemaWalker) -> tuple[PathPart, ...]:
    """The location without the union tags that pydantic adds: only what stands in the document."""
    parts: list[PathPart] = []
    here = document
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(here, Mapping) and part not in here and part in schema.kinds_at(parts):
            continue
        if part == "[key]":
            continue
        parts.append(part)
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            if not last:
                here = None
    return tuple(parts)


def problems_from(
    errors: Iterable[ErrorDetails], document: Any, schema: SchemaWalker, written: Mapping[Any, str] = NOTHING
) -> tuple[list[Finding], list[tuple[PathPart, ...]]]:
    """Pydantic's errors as problems, and the places in the document that caused them."""
    problems, places = [], []
    for error in errors:
        place = written_path(error["loc"], document, schema)
        places.append(place)
        problems += [
            mistake(path_text(place) or "stack file", message, fix)
            for message, fix in _messages(error, place, schema, written.get(place))
        ]
    return problems, places


def _messages(
    error: ErrorDetails, place: tuple[PathPart, ...], schema: SchemaWalker, written: str | None = None
) -> list[tuple[str, str]]:
    """What is wrong and what to write instead; several where a validator of ours found several."""
    value = _value(error["input"], written)
    kind, context = error["type"], dict(error.get("ctx", {}))
    if kind == "value_error":
        wrong = context["error"]
        said = wrong.said if isinstance(wrong, WrongValue) else ((str(wrong), ""),)
        simple = not isinstance(error["input"], Mapping) and not hasattr(error["input"], "model_fields")
        subject = f"{shown(error['input'])} is " if simple else ""
        return [(f"{subject}{message}" if message.startswith("not ") else message, fix) for message, fix in said]
    branch = _branch(error["loc"], place)
    if kind == "extra_forbidden":
        if others := [kind for kind in schema.kinds_with(place) if kind != branch] if branch else []:
            return [(f"kind {branch} has no such key, only {', '.join(others)} has", "leave it out")]
        hint = meant(place, error["input"]) or meant_or_known(str(place[-1]), schema.keys_at(place[:-1], branch))
        return [("unknown key", hint)]
    if kind in ("enum", "literal_error"):
        expected = str(context["expected"])
        hint = meant_or_known(str(error["input"]), re.findall(r"'([^']+)'", expected))
        return [(f"{shown(error['input'])} is none of {expected}", hint)]
    if kind in ADVICE:
        facts = {
            **context,
            "value": value,
            "description": schema.description_at(place, branch),
            "kinds": ", ".join(schema.kinds_at(place)),
            "tag": shown(context.get("tag")),
        }
        message, fix = ADVICE[kind]
        return [(message.format(**facts), fix.format(**facts))]
    for prefix, (words, fix) in WANTED.items():
        if kind.startswith(prefix):
            number = isinstance(error["input"], int | float) and prefix == "string_" and written is None
            return [(f"{value} is not {words}", f"{fix}{AS_WRITTEN if number else ''}")]
    return [(f"{shown(error['input'])}: {error['msg']}", "write another value")]


def _branch(location: Sequence[PathPart], place: tuple[PathPart, ...]) -> str | None:
    """The kind that pydantic took the section at the end of the path for; None where it has only one."""
    tag = location[-2] if len(location) > 1 else None
    return tag if isinstance(tag, str) and (len(place) < 2 or tag != place[-2]) else None


def _value(value: Any, written: str | None) -> str:
    """A value as it stands in the file. Pulumi hands a number over as YAML read it: octal, or without its last zero."""
    if written is not None:
        return f"{written} (YAML reads {shown(value)})"
    return shown(value)


class SchemaWalker:
    """Finds what the JSON Schema says about a place in the document."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema

    def keys_at(self, place: Sequence[PathPart], kind: str | None = None) -> list[str]:
        """The keys a mapping at this place may hold, if it is of that kind (None: of every kind it may have)."""
        return sorted({key for node in self._of_kind(place, kind) for key in node.get("properties", {})})

    def kinds_with(self, place: Sequence[PathPart]) -> list[str]:
        """The kinds of the section above this place that have its last key."""
        nodes = [node.get("properties", {}) for node in self._nodes(place[:-1])]
        return sorted(str(node["kind"].get("const")) for node in nodes if place[-1] in node and "kind" in node)

    def _of_kind(self, place: Sequence[PathPart], kind: str | None) -> list[Mapping[str, Any]]:
        nodes = self._nodes(place)
        own = [node for node in nodes if node.get("properties", {}).get("kind", {}).get("const") == kind]
        return own if kind is not None and own else nodes

    def kinds_at(self, place: Sequence[PathPart]) -> list[str]:
        """The values `kind` may have here."""
        return sorted(
            str(node["properties"]["kind"].get("const"))
            for node in self._nodes(place)
            if "kind" in node.get("properties", {})
        )

    def takes_numbers_only(self, place: Sequence[PathPart]) -> bool:
        """Whether a number, or nothing, is all that may stand at this place."""
        types = {node.get("type") for node in self._nodes(place) if node} - {"null"}
        return bool(types) and types <= {"integer", "number"}

    def description_at(self, place: Sequence[PathPart], kind: str | None = None) -> str:
        """The one-line description of the field at this place, in a section of that kind."""
        for node in self._of_kind(place[:-1], kind):
            field = node.get("properties", {}).get(place[-1] if place else "", {})
            if "description" in field:
                return str(field["description"])
        return "it has no default"

    def _nodes(self, place: Sequence[PathPart]) -> list[Mapping[str, Any]]:
        nodes = self._expand(self._root)
        for part in place:
            below = [
                node["items"]
                if isinstance(part, int) and "items" in node
                else node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
                for node in nodes
            ]
            nodes = [node for child in below if isinstance(child, Mapping) for node in self._expand(child)]
        return nodes

    def _expand(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if "$ref" in node:
            return self._expand(self._root["$defs"][str(node["$ref"]).rsplit("/", 1)[1]])
        branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        return [node for branch in branches for node in self._expand(branch)] if branches else [node]
