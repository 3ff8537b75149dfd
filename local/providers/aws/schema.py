"""What the SDK says about our resource types (sdk_schema.json): property names, their types, which are required.

Terms: `str bool int float any`, `[]T` list, `{}T` map with free keys, `#name` object of `OBJECTS`.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.providers.rpc import UNKNOWN, Secret, child_path


@dataclass(frozen=True)
class Problem:
    """An input that cannot work: its path as the program wrote it, and what to do about it."""

    path: str
    message: str


@dataclass(frozen=True)
class ResourceSchema:
    """Properties of a resource type, each with its term."""

    inputs: Mapping[str, str]
    required: tuple[str, ...]
    outputs: Mapping[str, str]


@functools.cache
def _raw() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(Path(__file__).with_name("sdk_schema.json").read_text())
    return raw


@functools.cache
def resource_schema(token: str) -> ResourceSchema:
    """The schema of a type of the table; KeyError for others."""
    raw = _raw()["resources"][token]
    return ResourceSchema(raw["inputs"], tuple(raw["required"]), raw["outputs"])


@functools.cache
def function_schema(token: str) -> tuple[frozenset[str], Mapping[str, str]]:
    """Parameters, and terms of the answer, of a function (invoke)."""
    raw = _raw()["functions"][token]
    return frozenset(raw["inputs"]), raw["outputs"]


def object_fields(term: str) -> Mapping[str, str]:
    """Fields of the object term `#name`."""
    fields: dict[str, str] = _raw()["objects"][term[1:]]
    return fields


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """` Did you mean "x"?`, or nothing when no valid name is near."""
    near = difflib.get_close_matches(name, list(valid), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def check_types(value: Any, term: str, path: str, problems: list[Problem]) -> Any:
    """`value` coerced to `term` ("true" to True, 20.0 to 20, 20 to "20"); adds a problem for each misfit.

    Unknown values pass, secrets keep their mark.
    """
    if value is None or value is UNKNOWN or term == "any":
        return value
    if isinstance(value, Secret):
        return Secret(check_types(value.value, term, path, problems))
    if term.startswith("#"):
        return _check_object(value, term, path, problems)
    if term.startswith("[]"):
        if not isinstance(value, list):
            return _misfit(value, "a list", path, problems)
        return [check_types(item, term[2:], f"{path}[{i}]", problems) for i, item in enumerate(value)]
    if term.startswith("{}"):
        if not isinstance(value, dict):
            return _misfit(value, "a map", path, problems)
        return {key: check_types(item, term[2:], child_path(path, key), problems) for key, item in value.items()}
    return _check_scalar(value, term, path, problems)


def _misfit(value: Any, kind: str, path: str, problems: list[Problem]) -> Any:
    problems.append(Problem(path, f"expected {kind}, got {type(value).__name__} {value!r}"))
    return value


def _check_object(value: Any, term: str, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        return _misfit(value, "an object", path, problems)
    fields = object_fields(term)
    checked = {}
    for key, item in value.items():
        if key not in fields:
            problems.append(Problem(child_path(path, key), f'no property "{key}" here.{did_you_mean(key, fields)}'))
            continue
        checked[key] = check_types(item, fields[key], child_path(path, key), problems)
    return checked


def _check_scalar(value: Any, term: str, path: str, problems: list[Problem]) -> Any:
    if isinstance(value, list | dict):
        return _misfit(value, {"str": "a string", "bool": "a boolean"}.get(term, "a number"), path, problems)
    if term == "str":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if term == "bool":
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        return _misfit(value, "true or false", path, problems)
    try:
        number = float(value)
    except ValueError:
        return _misfit(value, "a number", path, problems)
    if isinstance(value, bool) or (term == "int" and not number.is_integer()):
        return _misfit(value, "a whole number", path, problems)
    return int(number) if number.is_integer() else number
