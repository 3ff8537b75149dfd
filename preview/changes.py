"""What `up` would do to a stack that stands as the other revision says: created, changed, replaced, deleted.

Both sides are recordings of a first preview, so a value that only AWS knows is `[unknown]` on both and is no change;
that a resource is replaced reaches those that are given its id, and what lives inside a cluster goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preview.replacing import replaces, replacing_paths
from preview.report_model import Action, Change, ChangedField
from preview.values import UNKNOWN

Resource = Mapping[str, Any]
CLUSTER = "aws:eks/cluster:Cluster"
_NAMING_KEYS = ("name", "key", "deviceName", "resourceType", "containerPort", "topologyKey", "type")
_ABSENT = object()


def changes(before: Sequence[Resource], after: Sequence[Resource]) -> list[Change]:
    """All changes, sorted by action and name: `{action, urn, type, name, fields, reasons}`."""
    old = {resource["urn"]: resource for resource in before}
    pairs, created = _paired(old, after)
    kept = {id(previous) for _, previous in pairs}
    by_urn = {resource["urn"]: _compared(previous, resource) for resource, previous in pairs}
    _spread(by_urn, [resource for resource, _ in pairs])
    listed = [_entry("created", resource) for resource in created]
    listed += [_entry("deleted", resource) for resource in before if id(resource) not in kept]
    listed += [entry for entry in by_urn.values() if entry["fields"] or entry["reasons"]]
    order = ("replaced", "deleted", "created", "changed")
    return sorted(listed, key=lambda entry: (order.index(entry["action"]), entry["type"], entry["name"]))


def _paired(
    old: Mapping[str, Resource], after: Sequence[Resource]
) -> tuple[list[tuple[Resource, Resource]], list[Resource]]:
    pairs, created = [], []
    for resource in after:
        names = (resource["urn"], *resource.get("aliases", ()))
        previous = next((old[urn] for urn in names if urn in old), None)
        if previous is None:
            created.append(resource)
        else:
            pairs.append((resource, previous))
    return pairs, created


def _entry(action: Action, resource: Resource) -> Change:
    return {
        "action": action,
        "urn": resource["urn"],
        "type": resource["type"],
        "name": resource["name"],
        "fields": [],
        "reasons": [],
    }


def _compared(before: Resource, after: Resource) -> Change:
    ignored = tuple(after.get("ignoreChanges", ()))
    fields: list[ChangedField] = [
        {"path": path, "before": _json(old), "after": _json(new)}
        for path, old, new in differences(before["inputs"], after["inputs"])
        if not path.startswith(ignored or ("\0",))
    ]
    reasons = [
        f"{field['path']} cannot be changed in place"
        for field in fields
        if replaces(field["path"], after, removed=field["after"] is None)
    ]
    if before["type"] != after["type"]:
        reasons.append(f"its type was {before['type']}")
    entry = _entry("replaced" if reasons else "changed", after)
    entry["fields"], entry["reasons"] = fields, reasons
    return entry


def _json(value: Any) -> Any:
    return None if value is _ABSENT else value


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each leaf that differs, as (path, before, after). List entries that have names are told by them."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            below = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, _ABSENT), after.get(key, _ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list):
        named = _named(before), _named(after)
        if named[0] is not None and named[1] is not None:
            for key in dict.fromkeys((*named[0], *named[1])):
                yield from differences(named[0].get(key, _ABSENT), named[1].get(key, _ABSENT), f"{path}[{key}]")
        elif before != after:
            yield path, before, after
    elif before != after:
        yield path, before, after


def _named(items: list[Any]) -> dict[str, Any] | None:
    """Entries by what tells them apart: a name, or `--flag` of `--flag=value`; None where nothing does."""
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) == len(items) and any(text.startswith("--") for text in texts):
        keys = [text.partition("=")[0] if text.startswith("--") else str(at) for at, text in enumerate(texts)]
        return dict(zip(keys, texts, strict=True)) if len(set(keys)) == len(keys) else None
    for key in _NAMING_KEYS:
        names = [item.get(key) if isinstance(item, Mapping) else None for item in items]
        if None not in names and UNKNOWN not in names and len(set(map(str, names))) == len(names):
            return dict(zip(map(str, names), items, strict=True))
    return None if items else {}


def _spread(by_urn: dict[str, Change], resources: Sequence[Resource]) -> None:
    """Replacements reach what depends on them, until nothing more does."""
    moved = True
    while moved:
        replaced = {urn: entry for urn, entry in by_urn.items() if entry["action"] == "replaced"}
        moved = False
        for resource in resources:
            entry = by_urn[resource["urn"]]
            reasons = [] if entry["action"] == "replaced" else list(_inherited(resource, replaced, by_urn))
            if reasons:
                entry["action"] = "replaced"
                entry["reasons"] += reasons
                moved = True


def _inherited(resource: Resource, replaced: Mapping[str, Change], by_urn: Mapping[str, Change]) -> Iterator[str]:
    for name, urns in resource.get("propertyDependencies", {}).items():
        causes = sorted({replaced[urn]["name"] for urn in urns if urn in replaced})
        of_name = [path for path in replacing_paths(resource) if path.split(".")[0] == name]
        if causes and any(_unknown_at(resource["inputs"], path) for path in of_name):
            yield f"{name} comes from {', '.join(causes)}, which is replaced"
    provider = resource.get("provider", "")
    if resource["type"].startswith("kubernetes:") and provider in by_urn:
        clusters = [entry["name"] for entry in replaced.values() if entry["type"] == CLUSTER]
        if clusters:
            yield f"it lives in {clusters[0]}, which is replaced"


def _unknown_at(inputs: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(inputs, Mapping) or part not in inputs:
            return False
        inputs = inputs[part]
    return UNKNOWN in str(inputs)
