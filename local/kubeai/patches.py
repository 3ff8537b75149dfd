"""JSON patches as KubeAI applies them to the pods that it is about to make (RFC 6902, with -1 for the last element).

As gopkg.in/evanphx/json-patch.v4 4.12.0, which KubeAI 0.21.0 has: an operation that fits nowhere is an error, and the
controller then makes no pod at all (pod_plan.go, applyJSONPatchToPod).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any


class PatchError(ValueError):
    """An operation that fits nowhere."""


def patched(document: Mapping[str, Any], patches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The document after all operations, in their order. Raises PatchError."""
    made = deepcopy(dict(document))
    for patch in patches:
        _apply(made, patch)
    return made


def _apply(document: dict[str, Any], patch: Mapping[str, Any]) -> None:
    if patch["op"] not in ("add", "replace", "remove"):
        raise PatchError(f"{patch['op']}: the stand-in knows add, replace and remove")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in str(patch["path"]).split("/")[1:]]
    *parents, last = steps
    found: Any = document
    for step in parents:
        found = found[_index(found, step, patch)] if isinstance(found, list) else _member(found, step, patch)
    if isinstance(found, list):
        _apply_to_list(found, last, patch)
    elif isinstance(found, dict):
        if patch["op"] != "add":
            _member(found, last, patch)
        if patch["op"] == "remove":
            del found[last]
        else:
            found[last] = deepcopy(patch["value"])
    else:
        raise PatchError(f"{patch['path']}: nothing can be there")


def _apply_to_list(found: list[Any], last: str, patch: Mapping[str, Any]) -> None:
    if patch["op"] == "add":
        place = len(found) if last == "-" else _index(found, last, patch, room=1)
        found.insert(place, deepcopy(patch["value"]))
    elif patch["op"] == "remove":
        del found[_index(found, last, patch)]
    else:
        found[_index(found, last, patch)] = deepcopy(patch["value"])


def _member(found: Any, step: str, patch: Mapping[str, Any]) -> Any:
    if not isinstance(found, dict) or step not in found:
        raise PatchError(f"{patch['path']}: there is no {step}")
    return found[step]


def _index(found: list[Any], step: str, patch: Mapping[str, Any], room: int = 0) -> int:
    try:
        number = int(step)
    except ValueError:
        raise PatchError(f"{patch['path']}: {step} is no index") from None
    place = number + len(found) if number < 0 else number
    if not 0 <= place < len(found) + room:
        raise PatchError(f"{patch['path']}: there is no element {step}")
    return place
