"""A local port for a pod's own address, for a proxy that balances over pods itself, as Envoy does.

A pod of a real server has one: its process'. For a simulated engine one is opened when it is first asked for, and
closed with the engine, so that who connects later is refused, as by a pod whose process is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from local.engine.engine import Engine, EngineState
from local.engine.fleet import EngineFleet, Member
from local.engine.openai_api import handle
from local.engine.ports import PortBook
from local.vllm_cpu.real_fleet import RealFleet
from local.vllm_cpu.running_pod import RunningPod

PORTS = (20000, 20999)
# As vLLM leaves an idle connection open (router.py).
KEEP_ALIVE_SECONDS = 5
LAST_ANSWERS_SECONDS = 1.0


class PodPorts:
    """Ports by a pod's cluster address; its own file remembers them."""

    def __init__(self, fleet: EngineFleet | RealFleet, directory: Path, log: Callable[[str], None]) -> None:
        self._fleet, self._log = fleet, log
        self._book = PortBook(directory / "pod-ports.json", *PORTS)
        self._open: dict[str, int] = {}
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def _listener(self, address: str) -> Member | RunningPod | None:
        """The pod at `IP:PORT`, where something listens."""
        ip, _, text = address.rpartition(":")
        port = int(text) if text.isdigit() else 0
        members: list[Member | RunningPod] = list(self._fleet.members.values())
        member = next((member for member in members if member.pod.status.get("podIP") == ip), None)
        if isinstance(member, RunningPod):
            return member if member.local_port(port) is not None else None
        if member is None or member.engine is None or not _listens(member.engine):
            return None
        return member if member.engine.config.arguments.port == port else None

    def listens(self, address: str) -> bool:
        """Whether a connection to `IP:PORT` would be taken."""
        return self._listener(address) is not None

    async def of(self, address: str) -> int | None:
        """The local port for `IP:PORT`; None while nothing listens there. Raises OSError when no port is free."""
        member = self._listener(address)
        if member is None:
            return None
        if isinstance(member, RunningPod):
            return member.local_port(int(address.rpartition(":")[2]))
        if member.engine is None:
            return None
        async with self._opening:
            if member.pod.uid not in self._open and _listens(member.engine):
                self._open[member.pod.uid] = await self._listen(member, member.engine)
        return self._open.get(member.pod.uid)

    async def _listen(self, member: Member, engine: Engine) -> int:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await handle(engine, request, request.path)

        http = web.Server(answer, handler_cancellation=True, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
        server, port = await self._book.listen("/".join(member.pod.key), http)

        def ends(was_killed: bool) -> None:
            server.close()
            self._open.pop(member.pod.uid, None)
            if was_killed:
                for connection in http.connections:
                    if connection.transport is not None:
                        connection.transport.abort()
            task = asyncio.create_task(http.shutdown(0.0 if was_killed else LAST_ANSWERS_SECONDS))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        engine.on_end.append(ends)
        self._log(f"INFO (simulated) pod {'/'.join(member.pod.key)} itself is at port {port}")
        return port


def _listens(engine: Engine) -> bool:
    return engine.state in (EngineState.SERVING, EngineState.DRAINING)
