"""A killed Helm leaves a pending revision; the next update may not fail for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.control_plane import cluster
from local.recovery.helm_locks import RELEASE, interrupted_releases, remove_locks, say_how, selector


def operation(kind: str, type_: str, **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "resource": {"urn": f"urn:pulumi:dev::p::{type_}::x", "type": type_, "inputs": inputs}}


def test_releases_of_every_unfinished_operation_are_looked_at_and_nothing_else() -> None:
    pending = [
        operation("creating", RELEASE, name="keda", namespace="keda"),
        operation("updating", RELEASE, name="adapter", namespace="monitoring"),
        operation("creating", RELEASE, namespace="no-name-yet"),
        operation("creating", "kubernetes:core/v1:Secret", metadata={"name": "s", "namespace": "models"}),
    ]
    releases = list(interrupted_releases({"pending_operations": pending}))
    assert releases == [("keda", "keda"), ("monitoring", "adapter")]


class Core:
    """One pending revision of `keda`; a finished one does not match the selector."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.deleted: list[tuple[str, str]] = []

    def list_namespaced_secret(self, namespace: str, label_selector: str) -> Any:
        self.asked.append((namespace, label_selector))
        labels = {"version": "2", "status": "pending-upgrade"}
        metadata = SimpleNamespace(name="sh.helm.release.v1.keda.v2", labels=labels)
        return SimpleNamespace(items=[SimpleNamespace(metadata=metadata)])

    def delete_namespaced_secret(self, name: str, namespace: str) -> None:
        self.deleted.append((namespace, name))


def test_the_record_of_an_unfinished_revision_is_removed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    core = Core()
    monkeypatch.setattr(cluster, "connect", lambda kubeconfig: SimpleNamespace(core=core))
    lines = remove_locks(Path("kubeconfig"))("keda", "keda")
    assert core.deleted == [("keda", "sh.helm.release.v1.keda.v2")]
    assert core.asked == [("keda", "owner=helm,name=keda,status in (pending-install,pending-upgrade,pending-rollback)")]
    assert lines == ["release keda/keda: revision 2 was left pending-upgrade; its record is removed"]


def test_for_another_cluster_the_command_is_said() -> None:
    (line,) = say_how("keda", "keda")
    assert f"kubectl -n keda delete secret -l '{selector('keda')}'" in line
