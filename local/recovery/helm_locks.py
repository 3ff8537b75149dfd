"""Releases that a killed Helm holds locked: the next install or upgrade would refuse with "another operation
(install/upgrade/rollback) is in progress".

Helm keeps each revision of a release as a Secret whose label `status` says how it ended. A killed Helm leaves
`pending-…` forever. Without that Secret the revision before it counts again, or the release is not there; objects that
the killed revision had made carry its name and are adopted by the next one (Helm 3.2 and newer).
https://github.com/helm/helm/blob/v3.19.0/pkg/storage/driver/secrets.go (labels)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local.recovery.interrupted import pending_operations, probable_id

RELEASE = "kubernetes:helm.sh/v3:Release"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")

Unlock = Callable[[str, str], list[str]]
"""Takes namespace and name of a release; says what was done or is to be done, one line each."""


def selector(name: str) -> str:
    """Label selector of the Secrets of a release's unfinished revisions."""
    return f"owner=helm,name={name},status in ({','.join(PENDING)})"


def interrupted_releases(latest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Namespace and name of every release that a killed update was working at."""
    for operation in pending_operations(latest):
        where = probable_id(operation["resource"]) if operation["resource"]["type"] == RELEASE else None
        if where and "/" in where:
            namespace, name = where.split("/", 1)
            yield namespace, name


def remove_locks(kubeconfig: Path) -> Unlock:
    """Removes the Secrets of unfinished revisions through the API server of a kubeconfig."""

    def unlock(namespace: str, name: str) -> list[str]:
        from local.control_plane.cluster import connect

        core = connect(kubeconfig).core
        lines = []
        for secret in core.list_namespaced_secret(namespace, label_selector=selector(name)).items:
            core.delete_namespaced_secret(secret.metadata.name, namespace)
            lines.append(
                f"release {namespace}/{name}: revision {secret.metadata.labels['version']} was left "
                f"{secret.metadata.labels['status']}; its record is removed"
            )
        return lines

    return unlock


def say_how(namespace: str, name: str) -> list[str]:
    """For a cluster that is not the platform's: the command, since its kubeconfig is not ours to choose."""
    return [
        f"release {namespace}/{name}: if the next up says that another operation is in progress: "
        f"kubectl -n {namespace} delete secret -l '{selector(name)}'"
    ]
