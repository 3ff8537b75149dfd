"""Which endpoints of a Service get traffic, from its EndpointSlices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ServiceBackend:
    """One endpoint of a Service port: the pod and the port number on it."""

    namespace: str
    pod: str
    port: int


def backends(slices: list[dict[str, Any]], port_name: str) -> list[ServiceBackend]:
    """The endpoints that get traffic: the ready ones, else those that serve while terminating (KEP-1669)."""
    ready: dict[ServiceBackend, None] = {}
    terminating: dict[ServiceBackend, None] = {}
    for piece in slices:
        numbers = [p.get("port") for p in piece.get("ports") or [] if (p.get("name") or "") == port_name]
        for endpoint in piece.get("endpoints") or []:
            target = endpoint.get("targetRef") or {}
            if target.get("kind") != "Pod":
                continue
            conditions = endpoint.get("conditions") or {}
            for number in numbers:
                backend = ServiceBackend(target.get("namespace", ""), target["name"], number)
                if conditions.get("ready", True):
                    ready[backend] = None
                elif conditions.get("serving") and conditions.get("terminating"):
                    terminating[backend] = None
    return sorted(ready or terminating, key=lambda b: (b.namespace, b.pod))
