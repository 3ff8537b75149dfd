"""Kubeconfig input of the provider: the content of a file, the path of one, or nothing (then as kubectl does)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(Exception):
    """There is no usable kubeconfig; the text says why."""


def load_kubeconfig(given: str, context: str = "", cluster: str = "") -> dict[str, Any]:
    """The kubeconfig as a dict, with `context` and `cluster` made the active ones where they are given.

    `given` is YAML or JSON content or a path; empty means env KUBECONFIG, then ~/.kube/config.
    Raises KubeconfigError when it cannot be read or is not a kubeconfig.
    """
    content = parsed_content(given)
    if content is None:
        path = Path(given or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config")
        content = _from_file(path.expanduser())
    active = context or content.get("current-context") or ""
    entry = _named(content, "contexts", active)
    if entry is None:
        raise KubeconfigError(f'context "{active}" does not exist')
    content["current-context"] = active
    if cluster:
        if _named(content, "clusters", cluster) is None:
            raise KubeconfigError(f'cluster "{cluster}" does not exist')
        entry.setdefault("context", {})["cluster"] = cluster
    return content


def parsed_content(given: str) -> dict[str, Any] | None:
    """`given` as a kubeconfig dict, or None when it is not the content of one (a path, garbage, nothing)."""
    try:
        content = yaml.safe_load(given) if given else None
    except yaml.YAMLError:
        return None
    return content if isinstance(content, dict) else None


def active_server(given: str) -> str:
    """The server URL of the active cluster of a kubeconfig content; empty where it cannot be told."""
    content = parsed_content(given) or {}
    context = _named(content, "contexts", str(content.get("current-context", "")))
    name = ((context or {}).get("context") or {}).get("cluster", "")
    cluster = _named(content, "clusters", name)
    return str(((cluster or {}).get("cluster") or {}).get("server", ""))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise KubeconfigError(f"unable to load Kubernetes client configuration from kubeconfig file: {error}") from None
    if not isinstance(content, dict):
        raise KubeconfigError(f"{path} is not a kubeconfig")
    for user in content.get("users") or []:
        _resolve_files(user.get("user") or {}, path.parent, ("client-certificate", "client-key", "tokenFile"))
    for cluster in content.get("clusters") or []:
        _resolve_files(cluster.get("cluster") or {}, path.parent, ("certificate-authority",))
    return content


def _resolve_files(entry: dict[str, Any], folder: Path, keys: tuple[str, ...]) -> None:
    """File names in a kubeconfig are relative to the kubeconfig's own folder."""
    for key in keys:
        if entry.get(key):
            entry[key] = str(folder / entry[key])


def _named(content: dict[str, Any], section: str, name: str) -> dict[str, Any] | None:
    entries = content.get(section) or []
    return next((entry for entry in entries if isinstance(entry, dict) and entry.get("name") == name), None)
