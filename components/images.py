"""When a node asks the registry for an image."""

from __future__ import annotations

from typing import Any


def pull_secrets(names: tuple[str, ...]) -> dict[str, Any]:
    """`imagePullSecrets` of a pod; nothing where images need none."""
    return {"imagePullSecrets": [{"name": name} for name in names]} if names else {}


def pull_policy(image: str) -> str:
    """`Always` for a tag, `IfNotPresent` for a digest.

    A tag can be pushed again: replicas that start on different nodes and days have to run the same server, and asking
    what the tag means downloads nothing that the node has, nor counts as a pull
    (https://docs.docker.com/docker-hub/usage/pulls/, 2026-11-21). A digest is the content: asking would only let a
    pod's restart depend on the registry.
    """
    return "IfNotPresent" if "@sha256:" in image else "Always"
