"""What does not go names its finalizer and who set it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.commands.stuck import held_objects, watch


def service(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "qwen", "namespace": "models", **metadata}}


def entry(manager: str, finalizer: str) -> dict[str, Any]:
    return {"manager": manager, "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}, f'v:"{finalizer}"': {}}}}}


def test_a_held_object_names_its_finalizer_and_who_set_it() -> None:
    held = service(
        deletionTimestamp="2026-01-01T00:00:00Z",
        finalizers=["a.io/x"],
        managedFields=[{"manager": "pulumi", "fieldsV1": {}}, entry("a-controller", "a.io/x")],
    )
    assert held_objects([held]) == ["Service models/qwen is held by a.io/x (set by a-controller)"]


def test_what_nobody_deletes_and_what_kubernetes_itself_removes_is_not_held() -> None:
    assert held_objects([service(finalizers=["a.io/x"])]) == []
    assert held_objects([service(deletionTimestamp="t", finalizers=["foregroundDeletion"])]) == []


def test_what_has_been_held_for_a_moment_only_is_not_told_yet() -> None:
    asked = datetime(2026, 1, 1, tzinfo=UTC)
    held = service(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a.io/x"])
    assert held_objects([held], asked) == []
    assert held_objects([held], asked + timedelta(seconds=1)) == [
        "Service models/qwen is held by a.io/x (set by unknown)"
    ]


def test_a_watch_looks_first_after_the_limit_and_survives_a_server_that_is_away(tmp_path: Path) -> None:
    assert watch(tmp_path / "none", limit_seconds=3600)() == []
    assert watch(tmp_path / "none", limit_seconds=0)() == []
