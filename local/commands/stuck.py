"""Objects that are being deleted and do not go: whose finalizer holds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.stacks.inventory import every_object, title

# Removed by the API server itself once what they stand for is gone.
FINALIZERS_OF_KUBERNETES = ("kubernetes", "foregroundDeletion", "orphan")
HELD_LIMIT_SECONDS = 120.0
"""Controllers that are alive remove theirs within seconds."""
LOOK_EVERY_SECONDS = 5.0


def held_objects(objects: Iterable[Mapping[str, Any]], since: datetime | None = None) -> list[str]:
    """One line per object that a finalizer holds: which, and who set it by the API server's own record.

    `since`: only those whose deletion was asked for before that.
    """
    lines = []
    for item in objects:
        metadata = item["metadata"]
        finalizers = [f for f in metadata.get("finalizers") or () if f not in FINALIZERS_OF_KUBERNETES]
        asked = metadata.get("deletionTimestamp")
        if asked and finalizers and (since is None or datetime.fromisoformat(asked) < since):
            held = ", ".join(f"{finalizer} (set by {_owner(metadata, finalizer)})" for finalizer in finalizers)
            lines.append(f"{title(item)} is held by {held}")
    return lines


def _owner(metadata: Mapping[str, Any], finalizer: str) -> str:
    for entry in metadata.get("managedFields") or ():
        fields = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:finalizers") or {}
        if f'v:"{finalizer}"' in fields:
            return str(entry["manager"])
    return "unknown"


def held(kubeconfig: Path, longer_than_seconds: float = 0.0) -> list[str]:
    """The same for all that is in the cluster, with what to do; nothing when nothing is held."""
    since = datetime.now(UTC) - timedelta(seconds=longer_than_seconds)
    lines = held_objects(every_object(kubeconfig), since if longer_than_seconds else None)
    if lines:
        lines.append(
            "a finalizer is removed by who set it when its own cleaning up is done: see why it does not run; "
            "then run the same command again"
        )
    return lines


def watch(kubeconfig: Path, limit_seconds: float) -> Callable[[], list[str]]:
    """Asked again and again during a destroy: what has been held for longer than the limit.

    The provider itself waits ten minutes for each object and then names the finalizer, but not who set it.
    """
    next_look = time.monotonic() + limit_seconds

    def look() -> list[str]:
        nonlocal next_look
        if time.monotonic() < next_look:
            return []
        next_look = time.monotonic() + LOOK_EVERY_SECONDS
        try:
            return held(kubeconfig, limit_seconds)
        except Exception:  # the API server may be on its way out: the CLI says what it meets
            return []

    return look
