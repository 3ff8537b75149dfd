"""Objects that are being deleted and do not go: whose finalizer holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.inventory import every_object, title

# Removed by the API server itself once what they stand for is gone.
OF_KUBERNETES = ("kubernetes", "foregroundDeletion", "orphan")


def held_objects(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line per object that a finalizer holds: which, and who set it by the API server's own record."""
    lines = []
    for item in objects:
        metadata = item["metadata"]
        finalizers = [f for f in metadata.get("finalizers") or () if f not in OF_KUBERNETES]
        if metadata.get("deletionTimestamp") and finalizers:
            held = ", ".join(f"{each} (set by {_owner(metadata, each)})" for each in finalizers)
            lines.append(f"{title(item)} is held by {held}")
    return lines


def _owner(metadata: Mapping[str, Any], finalizer: str) -> str:
    for entry in metadata.get("managedFields") or ():
        fields = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:finalizers") or {}
        if f'v:"{finalizer}"' in fields:
            return str(entry["manager"])
    return "unknown"


def held(kubeconfig: Path) -> list[str]:
    """The same for all that is in the cluster, with what to do; nothing when nothing is held."""
    lines = held_objects(every_object(kubeconfig))
    if lines:
        lines.append(
            "a finalizer is removed by who set it when its own cleaning up is done: see why it does not run; "
            "then run the same command again"
        )
    return lines
