"""The platform's API server through the official client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Apis:
    """The API groups we use. Untyped: every field of the generated models is optional, and ours are always set."""

    core: Any
    apps: Any
    storage: Any
    custom: Any
    networking: Any


def connect(kubeconfig: Path) -> Apis:
    """APIs as the user of that kubeconfig. The client takes half a second to import, so it is imported here."""
    from kubernetes import client, config

    api = config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
    return Apis(
        client.CoreV1Api(api),
        client.AppsV1Api(api),
        client.StorageV1Api(api),
        client.CustomObjectsApi(api),
        client.NetworkingV1Api(api),
    )


def is_ready(pod: Any) -> bool:
    """Whether a pod, as the official client gives it, is Ready and stays."""
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])
    return ready and pod.metadata.deletion_timestamp is None
