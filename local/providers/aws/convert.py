"""Pulumi inputs -> parameters of a botocore operation, checked against the service model.

Each property is looked for among the operation's members by name, without case and separators, with and without a
plural s and "Configuration"/"Config"; what is named differently stands in the table. Values are converted by the
member's shape, and checked for enum, pattern, length, range and required members: botocore itself checks only types
and minima.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.providers.aws.schema import Problem, did_you_mean
from local.providers.rpc import UNKNOWN, child_path

# Java character classes of the service models, for Python's re.
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{P}": r"!-/:-@\[-`{-~",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{M}": "",
    r"\p{Cntrl}": r"\x00-\x1f",
}


def flat(name: str) -> str:
    """`name` without case and separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_member(name: str, members: Iterable[str]) -> str | None:
    """The member that the property `name` means, or None."""
    by_flat = {flat(member): member for member in members}
    flat_name = flat(name)
    for candidate in (
        flat_name,
        flat_name.removesuffix("s"),
        f"{flat_name}s",
        f"{flat_name}configuration",
        f"{flat_name}config",
        flat_name.removesuffix("s") + "list",
        flat_name.removesuffix("ies") + "y",
        flat_name.removesuffix("config"),
        flat_name.removesuffix("configuration"),
    ):
        if candidate in by_flat:
            return by_flat[candidate]
    return None


def _is_tag(shape: Any) -> bool:
    """True for a structure of Key and Value: the SDK writes a list of these as a map."""
    return shape.type_name == "structure" and {flat(member) for member in shape.members} == {"key", "value"}


class Converter:
    """Converts one resource's inputs; collects `problems` by property path. `names`: see Row.names."""

    def __init__(self, names: Mapping[str, str | None]) -> None:
        self.names = names
        self.problems: list[Problem] = []

    def value(self, shape: Any, value: Any, path: str, name_path: str) -> Any:
        """`value` as `shape` wants it. Unknown values stay UNKNOWN: they are checked when they are known."""
        if value is UNKNOWN or value is None:
            return value
        if shape.type_name == "structure":
            return self.structure(shape, value, path, name_path)
        if shape.type_name == "list":
            items = value if isinstance(value, list) else [value]
            if isinstance(value, dict) and _is_tag(shape.member):
                items = [{"key": key, "value": item} for key, item in value.items()]
            done = [self.value(shape.member, item, f"{path}[{i}]", name_path) for i, item in enumerate(items)]
            self._check_size(shape, len(items), "items", path)
            return done
        if shape.type_name == "map":
            if not isinstance(value, dict):
                return self._refuse(path, f"expected a map, got {value!r}")
            for key in value:
                self._check_text(shape.key, str(key), child_path(path, key))
            return {
                key: self.value(shape.value, item, child_path(path, key), f"{name_path}.{key}")
                for key, item in value.items()
            }
        return self._scalar(shape, value, path)

    def structure(self, shape: Any, value: Any, path: str, name_path: str, given: Iterable[str] = ()) -> Any:
        """`given`: required members that come from elsewhere."""
        if isinstance(value, list):
            if len(value) > 1:
                self._refuse(path, f"takes one block, got {len(value)}")
            value = value[0] if value else {}
        if not isinstance(value, dict):
            return self._refuse(path, f"expected an object, got {value!r}")
        result: dict[str, Any] = {}
        for key, item in value.items():
            at = child_path(path, key)
            member = self._member(key, shape, f"{name_path}.{key}" if name_path else key)
            if member is None:
                self._refuse(at, f"{shape.name} has no parameter for it.{did_you_mean(key, shape.members)}")
            elif item is not None:
                result[member] = self.value(shape.members[member], item, at, f"{name_path}.{key}" if name_path else key)
        for member in shape.required_members:
            filled_by_botocore = shape.members[member].metadata.get("idempotencyToken")
            if member not in result and member not in given and not filled_by_botocore:
                self._refuse(path, f"{shape.name} needs {member}")
        return result

    def _member(self, key: str, shape: Any, name_path: str) -> str | None:
        if name_path in self.names:
            return self.names[name_path]
        return find_member(key, shape.members)

    def _refuse(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _scalar(self, shape: Any, value: Any, path: str) -> Any:
        if isinstance(value, dict | list):
            return self._refuse(path, f"expected a {shape.type_name}, got {value!r}")
        if shape.type_name in ("string", "character"):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self._check_text(shape, text, path)
            return text
        if shape.type_name == "boolean":
            if isinstance(value, bool) or str(value).lower() in ("true", "false"):
                return str(value).lower() == "true"
            return self._refuse(path, f"expected true or false, got {value!r}")
        if shape.type_name in ("integer", "long", "float", "double"):
            return self._number(shape, value, path)
        if shape.type_name == "blob":
            return value.encode() if isinstance(value, str) else value
        return value

    def _number(self, shape: Any, value: Any, path: str) -> Any:
        try:
            number = float(value)
        except ValueError:
            return self._refuse(path, f"expected a number, got {value!r}")
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and number < low) or (high is not None and number > high):
            limits = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
            self._refuse(path, f"must be {limits}, got {value}")
        return number if shape.type_name in ("float", "double") else int(number)

    def _check_size(self, shape: Any, size: int, what: str, path: str) -> None:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and size < low:
            self._refuse(path, f"must have at least {low} {what}, got {size}")
        if high is not None and size > high:
            self._refuse(path, f"must have at most {high} {what}, got {size}")

    def _check_text(self, shape: Any, text: str, path: str) -> None:
        choices = getattr(shape, "enum", None)
        if choices and text not in choices:
            listed = ", ".join(choices) if len(choices) <= 40 else f"{len(choices)} values"
            return self._refuse(path, f'must be one of {listed}; got "{text}".{did_you_mean(text, choices)}')
        self._check_size(shape, len(text), "characters", path)
        pattern = compiled(shape.metadata.get("pattern"))
        if pattern is not None and not pattern.fullmatch(text):
            self._refuse(path, f'"{text}" does not match {shape.metadata["pattern"]}')
        return None


@functools.cache
def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """The model's pattern for Python; None where there is none or Python cannot read it."""
    if not pattern:
        return None
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


def without_unknowns(value: Any) -> Any:
    """Parameters with every unknown part left out; only for calls that are not made."""
    if isinstance(value, dict):
        return {key: without_unknowns(item) for key, item in value.items() if item is not UNKNOWN}
    if isinstance(value, list):
        return [without_unknowns(item) for item in value if item is not UNKNOWN]
    return value
