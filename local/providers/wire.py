"""Property trees between the Pulumi engine's wire form and plain Python.

The engine marks what plain JSON cannot say with strings and single-purpose maps ("signatures", see
pulumi sdk/go/common/resource/properties.go and plugin/rpc.go): secrets, outputs, computed values. Here they become
`Secret` and `UNKNOWN`, so that a provider works with ordinary dicts and lists. The SDK's own `PropertyValue` neither
reads nor writes a computed value, and a preview is full of them (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from pulumi.runtime import rpc

_SIGNATURE_KEY: Final = rpc._special_sig_key
_SECRET_SIGNATURE: Final = rpc._special_secret_sig
_OUTPUT_SIGNATURE: Final = rpc._special_output_value_sig
# One sentinel per type of value (sdk/go/common/resource/plugin/rpc.go); we write the string one, like the SDKs.
_UNKNOWN_STRING: Final = rpc.UNKNOWN
_UNKNOWN_SENTINELS: Final = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class _Unknown(Enum):
    """An enum so that copies and pickles stay the one sentinel."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that must stay encrypted in state; may stand anywhere in a tree."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"  # never the value: reprs end in logs


def from_struct(struct: Struct) -> dict[str, Any]:
    """The engine's Struct as a dict: whole floats are ints, secrets `Secret`, computed values `UNKNOWN`."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWN_SENTINELS else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_map(value.struct_value)
    return None


def _from_map(struct: Struct) -> Any:
    signature = struct.fields[_SIGNATURE_KEY].string_value if _SIGNATURE_KEY in struct.fields else ""
    if signature == _SECRET_SIGNATURE:
        return as_secret(_from_value(struct.fields["value"]))
    if signature == _OUTPUT_SIGNATURE:
        # An output without a value is one that is not known yet.
        inner = _from_value(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        is_secret = "secret" in struct.fields and struct.fields["secret"].bool_value
        return as_secret(inner) if is_secret else inner
    return from_struct(struct)


def as_secret(value: Any) -> Secret:
    """`value` as a Secret; a Secret stays as it is."""
    return value if isinstance(value, Secret) else Secret(value)


def to_struct(mapping: Mapping[str, Any]) -> Struct:
    """The inverse of `from_struct`. Raises TypeError for values that no property can hold."""
    struct = Struct()
    _fill(struct, mapping)
    return struct


def _fill(struct: Struct, mapping: Mapping[str, Any]) -> None:
    for key, value in mapping.items():
        _set(struct.fields[str(key)], value)


def _set(target: Value, value: Any) -> None:
    if value is None:
        target.null_value = NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_STRING
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Secret):
        _fill(target.struct_value, {_SIGNATURE_KEY: _SECRET_SIGNATURE, "value": value.value})
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()  # an empty map is still a map
        _fill(target.struct_value, value)
    elif isinstance(value, list | tuple):
        items: ListValue = target.list_value
        items.SetInParent()
        for item in value:
            _set(items.values.add(), item)
    else:
        raise TypeError(f"a property cannot hold a {type(value).__name__}: {value!r}")


def plain(value: Any) -> Any:
    """A copy of the tree with every Secret replaced by what it holds."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def contains_unknown(value: Any) -> bool:
    """Whether a computed value is anywhere in the tree, inside secrets too."""
    return _contains(value, lambda item: item is UNKNOWN)


def contains_secret(value: Any) -> bool:
    """Whether a Secret is anywhere in the tree."""
    return _contains(value, lambda item: isinstance(item, Secret))


def _contains(value: Any, part: Any) -> bool:
    if part(value):
        return True
    if isinstance(value, Secret):
        return _contains(value.value, part)
    if isinstance(value, Mapping):
        return any(_contains(item, part) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_contains(item, part) for item in value)
    return False


def mark_secrets_like(value: Any, pattern: Any) -> Any:
    """`value` with a Secret at each path where `pattern` (usually the inputs) has one.

    Lists are matched by position; where a list that held a secret changed its length, all of its items become
    secret, for the position no longer says which one it was.
    """
    if isinstance(pattern, Secret):
        return as_secret(plain(value)) if value is not None else value
    if isinstance(value, Secret):
        return value
    if isinstance(value, Mapping) and isinstance(pattern, Mapping):
        return {key: mark_secrets_like(item, pattern.get(key)) for key, item in value.items()}
    if isinstance(value, list | tuple) and isinstance(pattern, list | tuple):
        if len(value) == len(pattern):
            return [mark_secrets_like(item, like) for item, like in zip(value, pattern, strict=True)]
        if contains_secret(pattern):
            return [as_secret(item) for item in value]
    return value
