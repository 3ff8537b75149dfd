"""The difference of two property trees, by path as Pulumi writes paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.wire import Secret

Kind = Literal["add", "update", "delete"]

_PLAIN_KEY_EXTRA: Final = "_"
_KINDS: Final = {
    ("add", False): pb.PropertyDiff.ADD,
    ("add", True): pb.PropertyDiff.ADD_REPLACE,
    ("update", False): pb.PropertyDiff.UPDATE,
    ("update", True): pb.PropertyDiff.UPDATE_REPLACE,
    ("delete", False): pb.PropertyDiff.DELETE,
    ("delete", True): pb.PropertyDiff.DELETE_REPLACE,
}


def detailed_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Kind]:
    """Paths that differ, each as add, update or delete: `{"spec.containers[0].image": "update"}`.

    An added or removed map or list shows as its top path only. None counts as absent, secrets are compared by
    their value, a computed value differs from every known one.
    """
    changes: dict[str, Kind] = {}
    _compare_maps(old, new, "", changes)
    return changes


def child_path(path: str, key: str) -> str:
    """`path` followed by map key `key`, quoted where it is not a plain word: `metadata.annotations["a/b"]`."""
    is_plain = bool(key) and all((ch.isascii() and ch.isalnum()) or ch in _PLAIN_KEY_EXTRA for ch in key)
    if not is_plain:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key


def _compare(old: Any, new: Any, path: str, changes: dict[str, Kind]) -> None:
    old, new = _revealed(old), _revealed(new)
    if old is None and new is None:
        return
    if old is None:
        changes[path] = "add"
    elif new is None:
        changes[path] = "delete"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        _compare_maps(old, new, path, changes)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            _compare(before, after, f"{path}[{index}]", changes)
    elif isinstance(old, bool) != isinstance(new, bool) or old != new:  # True == 1 in Python, not in JSON
        changes[path] = "update"


def _compare_maps(old: Mapping[str, Any], new: Mapping[str, Any], path: str, changes: dict[str, Kind]) -> None:
    for key in sorted({**old, **new}):
        _compare(old.get(key), new.get(key), child_path(path, key), changes)


def _revealed(value: Any) -> Any:
    while isinstance(value, Secret):
        value = value.value
    return value


def diff_response(
    changes: Mapping[str, Kind],
    replaces: Callable[[str], bool] = lambda path: False,
    *,
    delete_before_replace: bool = False,
) -> pb.DiffResponse:
    """The answer to Diff: `replaces` says of each changed path whether it forces a new object."""
    response = pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changes else pb.DiffResponse.DIFF_NONE,
        hasDetailedDiff=True,
    )
    for path, kind in changes.items():
        replace = replaces(path)
        if replace:
            response.replaces.append(path)
        response.detailedDiff[path].kind = _KINDS[kind, replace]
        response.detailedDiff[path].inputDiff = True
    response.deleteBeforeReplace = delete_before_replace and bool(response.replaces)
    return response
