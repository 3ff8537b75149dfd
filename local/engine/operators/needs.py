"""What stand-ins need of the platform: its API server, and where a pod's own address is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class ControllerApi(Protocol):
    """The API server, as a controller uses it; `kube.KubeApi` has it. Writes raise aiohttp.ClientError."""

    async def get(self, path: str) -> dict[str, Any] | None: ...

    async def create(self, path: str, body: dict[str, Any], manager: str) -> None: ...

    async def merge(self, path: str, patch: dict[str, Any], manager: str) -> bool: ...

    async def delete(self, path: str) -> None: ...

    async def follow(
        self, path: str, on_event: Callable[[str, dict[str, Any]], None], log: Callable[[str], None]
    ) -> None: ...


class PodAddresses(Protocol):
    """Local ports for `IP:PORT` of pods; `pod_ports.PodPorts` has them. None while nothing listens there."""

    def listens(self, address: str) -> bool: ...

    async def of(self, address: str) -> int | None: ...
