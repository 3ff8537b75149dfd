"""Refresh: the inputs anew from the live object, limited to the fields that the program set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.providers.rpc import mark_secrets_like, plain

# What identifies an item of a list of objects: the server's merge keys of built-in kinds, in the order of trying.
_MERGE_KEYS: Final = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("mountPath",),
    ("devicePath",),
    ("topologyKey", "whenUnsatisfiable"),
    ("type",),
    ("ip",),
    ("uid",),
)
# Sets of plain values that several writers share; every other list of plain values belongs to one writer as a whole.
_SHARED_SETS: Final = frozenset({"finalizers"})
_DEFAULTS: Final = {"protocol": "TCP"}  # filled in by the server inside a merge key


def inputs_from_live(live: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The program's inputs with live values: what it did not set is left out, what is gone from the server too.

    Secrets stay secret. apiVersion and kind are always the program's.
    """
    kept = _restricted(dict(live), plain(inputs), "")
    kept.update({key: inputs[key] for key in ("apiVersion", "kind") if key in inputs})
    result: dict[str, Any] = mark_secrets_like(kept, inputs)
    return result


def _restricted(live: Any, wanted: Any, key: str) -> Any:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        # The server does not store empty values of most fields (false, 0, "", {}): their absence is no drift.
        return {
            name: _restricted(live[name], item, name) if name in live else item
            for name, item in wanted.items()
            if name in live or not item
        }
    if isinstance(wanted, list) and isinstance(live, list):
        return _restricted_list(live, wanted, key)
    return live


def _restricted_list(live: list[Any], wanted: list[Any], key: str) -> list[Any]:
    if key in _SHARED_SETS:
        return [item for item in wanted if item in live]
    if not all(isinstance(item, Mapping) for item in live + wanted):
        return live
    merge_key = _merge_key(live, wanted)
    if merge_key is None:
        if len(live) != len(wanted):
            return live
        return [_restricted(have, want, "") for have, want in zip(live, wanted, strict=True)]
    by_identity = {_identity(item, merge_key): item for item in live}
    identities = [(_identity(want, merge_key), want) for want in wanted]
    return [_restricted(by_identity[one], want, "") for one, want in identities if one in by_identity]


def _merge_key(live: list[Any], wanted: list[Any]) -> tuple[str, ...] | None:
    for fields in _MERGE_KEYS:
        if all(fields[0] in item for item in live + wanted):
            for items in (live, wanted):
                if len({_identity(item, fields) for item in items}) != len(items):
                    break
            else:
                return fields
    return None


def _identity(item: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(item.get(field, _DEFAULTS.get(field, ""))) for field in fields)
