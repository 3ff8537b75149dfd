"""JSON patches as KubeAI applies them to the pods that it is about to make (RFC 6902, with -1 for the last element).

As gopkg.in/evanphx/json-patch.v4 4.12.0, which KubeAI has: an operation that fits nowhere is an error, and the
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
    parent: Any = document
    for step in parents:
        parent = parent[_index(parent, step, patch)] if isinstance(parent, list) else _member(parent, step, patch)
    if isinstance(parent, list):
        _apply_to_list(parent, last, patch)
    elif isinstance(parent, dict):
        if patch["op"] != "add":
            _member(parent, last, patch)
        if patch["op"] == "remove":
            del parent[last]
        else:
            parent[last] = deepcopy(patch["value"])
    else:
        raise PatchError(f"{patch['path']}: nothing can be there")


def _apply_to_list(elements: list[Any], last: str, patch: Mapping[str, Any]) -> None:
    if patch["op"] == "add":
        place = len(elements) if last == "-" else _index(elements, last, patch, room=1)
        elements.insert(place, deepcopy(patch["value"]))
    elif patch["op"] == "remove":
        del elements[_index(elements, last, patch)]
    else:
        elements[_index(elements, last, patch)] = deepcopy(patch["value"])


def _member(elements: Any, step: str, patch: Mapping[str, Any]) -> Any:
    if not isinstance(elements, dict) or step not in elements:
        raise PatchError(f"{patch['path']}: there is no {step}")
    return elements[step]


def _index(elements: list[Any], step: str, patch: Mapping[str, Any], room: int = 0) -> int:
    try:
        number = int(step)
    except ValueError:
        raise PatchError(f"{patch['path']}: {step} is no index") from None
    place = number + len(elements) if number < 0 else number
    if not 0 <= place < len(elements) + room:
        raise PatchError(f"{patch['path']}: there is no element {step}")
    return place
