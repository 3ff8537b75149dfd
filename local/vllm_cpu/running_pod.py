"""A pod whose process runs on this machine, and what all such pods share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from local.engine.engine import EngineState
from local.engine.flags import UsageError, container_arguments, parse
from local.engine.fleet import Api
from local.engine.pods import PodView
from local.vllm_cpu import weights
from local.vllm_cpu.environment import Environment
from local.vllm_cpu.server import Server


@dataclass
class RunningPod:
    """A pod and its process. `local_port` is where it listens on this machine."""

    pod: PodView
    log: Callable[[str], None]
    server: Server | None = None
    state: EngineState = EngineState.LOADING
    ready: bool = False
    restarts: int = 0
    since: str = ""
    failure: UsageError | None = None
    last_state: dict[str, Any] | None = None
    life: asyncio.Task[None] | None = None
    end: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return self.server is not None and self.server.exit_code is None

    def local_port(self, port: int) -> int | None:
        """Where the pod's `port` is on this machine; None where it is closed."""
        if self.server is None or not self.lives or port != self.listens_on:
            return None
        return self.server.port

    @property
    def listens_on(self) -> int:
        """The port that its own arguments say, whatever its Pod declares."""
        try:
            return parse(container_arguments(self.pod.container)).port
        except UsageError:
            return -1


def _weights(server: Server, pod: PodView, log: Callable[[str], None]) -> str:
    return weights.fill(server.environment, pod.container, weights.download_of(pod.spec, server.root),
                        server.hub_cache, log)  # fmt: skip


@dataclass
class Machine:
    """What all pods share.

    `names_port`: of the proxy to Services by name; `fill` puts a server's weights where it reads them and says which
    they are.
    """

    api: Api
    environment: Environment
    folder: Path
    session: aiohttp.ClientSession
    names_port: int | None = None
    fill: Callable[[Server, PodView, Callable[[str], None]], str] = _weights
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def home(self, pod: PodView) -> Path:
        """The pod's folder; its `root` stands for the container's /."""
        return self.folder / pod.uid

    async def write(self, member: RunningPod, status: dict[str, Any]) -> None:
        try:
            await self.api.patch_status(member.pod.path, status)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            member.log(f"WARNING status not written: {error}")


def figures(member: RunningPod) -> dict[str, object]:
    """What the simulated GPU exporter makes its series of: CPU time stands for a GPU's busy time."""
    serving = member.state in (EngineState.SERVING, EngineState.DRAINING)
    return {
        "port": member.listens_on,
        "running": 0,
        "busy_seconds": member.server.cpu_seconds() if member.server else 0.0,
        "gpu_memory_utilization": 0.9 if serving else 0.0,
    }
