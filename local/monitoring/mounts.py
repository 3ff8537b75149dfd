"""The files of a container's volumes, as the kubelet would lay them out: ConfigMaps, Secrets and projections."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Object = Mapping[str, Any]
Files = dict[str, bytes]
Fetch = Callable[[str], Awaitable[Object | None]]
"""Reads an object by its path at the API server; None where there is none."""


class Missing(Exception):
    """A volume's object is not there: a real container would wait in ContainerCreating."""


async def storage_id(pod: Object, fetch: Fetch) -> str:
    """Changes when what the pod writes would be lost: with its claim, or with the pod where it has none."""
    for volume in pod["spec"].get("volumes") or []:
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim:
            path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/persistentvolumeclaims/{claim}"
            item = await fetch(path)
            if item is None:
                raise Missing(f"persistentvolumeclaims {claim}")
            return str(item["metadata"]["uid"])
    return str(pod["metadata"]["uid"])


def mount_points(pod: Object) -> set[str]:
    """Every path at which a container of the pod has a volume."""
    return {mount["mountPath"].rstrip("/") for mount in _mounts(pod)}


def _mounts(pod: Object) -> list[Object]:
    containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    return [mount for container in containers for mount in container.get("volumeMounts") or []]


async def mounted_files(pod: Object, fetch: Fetch) -> Files:
    """Absolute path in a container -> content, of all containers. Raises Missing for an absent object that is needed.

    Claims, empty folders and service-account tokens give no files.
    """
    namespace = pod["metadata"]["namespace"]
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    files: Files = {}
    for mount in _mounts(pod):
        volume = volumes.get(mount["name"])
        if volume is None:
            continue
        content = await _content(volume, namespace, fetch)
        folder = mount["mountPath"].rstrip("/")
        part = mount.get("subPath")
        if part is not None:
            files |= {folder: content[part]} if part in content else {}
        else:
            files |= {f"{folder}/{name}": data for name, data in content.items()}
    return files


async def _content(volume: Object, namespace: str, fetch: Fetch) -> Files:
    if "projected" in volume:
        files: Files = {}
        for source in volume["projected"].get("sources") or []:
            files |= await _content(source, namespace, fetch)
        return files
    for field, kind, name_field in (("secret", "secrets", "secretName"), ("configMap", "configmaps", "name")):
        if field in volume:
            source = volume[field]
            name = source.get(name_field) or source.get("name")
            path = f"/api/v1/namespaces/{namespace}/{kind}/{name}"
            item = await fetch(path)
            if item is None:
                if source.get("optional"):
                    return {}
                raise Missing(f"{kind} {namespace}/{name}")
            return _chosen(data_of(item), source.get("items"))
    return {}


def data_of(item: Object) -> Files:
    """Key -> content of a ConfigMap or a Secret."""
    if item.get("kind") == "Secret" or "type" in item:
        return {key: base64.b64decode(value) for key, value in (item.get("data") or {}).items()}
    text = {key: str(value).encode() for key, value in (item.get("data") or {}).items()}
    return text | {key: base64.b64decode(value) for key, value in (item.get("binaryData") or {}).items()}


def _chosen(data: Files, items: Any) -> Files:
    if not items:
        return data
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data}
