"""Recorded values as JSON: what is secret or not known yet is a word, and nothing behind it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf import struct_pb2

SECRET = "[secret]"
UNKNOWN = "[unknown]"

# The wire's own marks (pulumi/runtime/rpc.py, which takes the SDK to import; held by tests/preview/test_values.py).
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # mapping
    }
)


def shown_struct(message: struct_pb2.Struct) -> dict[str, Any]:
    """Inputs or outputs on the wire as sorted JSON with `[secret]` and `[unknown]`."""
    return {key: _shown_message(message.fields[key]) for key in sorted(message.fields)}


def _shown_message(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE_KEY not in fields:
            return {key: _shown_message(fields[key]) for key in sorted(fields)}
        return shown({key: _shown_message(fields[key]) for key in fields})
    if kind == "list_value":
        return [_shown_message(item) for item in value.list_value.values]
    return shown(getattr(value, kind)) if kind and kind != "null_value" else None


def shown(value: Any) -> Any:
    """The same for a value that is plain Python already, such as a line of the engine's own log."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWNS else value
    if isinstance(value, list):
        return [shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE_KEY)
    if signature == SECRET_SIGNATURE or (signature == OUTPUT_SIGNATURE and value.get("secret")):
        return SECRET
    if signature == OUTPUT_SIGNATURE:
        return shown(value["value"]) if "value" in value else UNKNOWN
    return {key: shown(value[key]) for key in sorted(value)}
