"""Pods whose server really runs, by (namespace, name), in the place of the simulated engines."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from local.engine.fleet import Api
from local.engine.pods import PodView, followed
from local.vllm_cpu import kubelet
from local.vllm_cpu.environment import Environment
from local.vllm_cpu.running_pod import Machine, RunningPod
from local.vllm_cpu.server import end_leftovers


class RealFleet:
    """All pods with a vLLM container. Has to be made within a running loop."""

    def __init__(
        self,
        api: Api,
        environment: Environment,
        folder: Path,
        log_of: Callable[[PodView], Callable[[str], None]],
        names_port: int | None = None,
    ) -> None:
        self.members: dict[tuple[str, str], RunningPod] = {}
        self.machine = Machine(api, environment, folder, aiohttp.ClientSession(trust_env=False), names_port)
        self._log_of = log_of
        self._tasks: set[asyncio.Task[None]] = set()
        folder.mkdir(parents=True, exist_ok=True)
        end_leftovers(folder)

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event; may come repeated or late, never blocks."""
        member = followed(self.members, event, item, self._begun, self._forget)
        if member is None:
            return
        pod = member.pod
        if pod.is_ray_worker:
            return  # no Ray runs here: such a pod never becomes Ready
        if pod.deleting:
            if member.end is None:
                member.end = self._spawn(member, kubelet.terminate(member, self.machine))
        elif member.life is None and pod.node and pod.container_begun:
            member.life = self._spawn(member, kubelet.live(member, self.machine))

    def _begun(self, pod: PodView) -> RunningPod:
        return RunningPod(pod, self._log_of(pod))

    def local_port(self, namespace: str, pod: str, port: int) -> int | None:
        """Where the pod's process listens; None where none does, or not on this port."""
        member = self.members.get((namespace, pod))
        return None if member is None else member.local_port(port)

    def _spawn(self, member: RunningPod, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def done(ended: asyncio.Task[None]) -> None:
            self._tasks.discard(ended)
            if not ended.cancelled() and ended.exception() is not None:
                member.log(f"ERROR {type(ended.exception()).__name__}: {ended.exception()}")

        task.add_done_callback(done)
        return task

    def _forget(self, member: RunningPod) -> None:
        """The object is gone, and its process with it; an end under way goes on to its own SIGKILL."""
        self.members.pop(member.pod.key, None)
        if member.end is not None and not member.end.done():
            member.end.add_done_callback(lambda _: self._clear(member))
        else:
            self._clear(member)

    def _clear(self, member: RunningPod) -> None:
        if member.life is not None:
            member.life.cancel()
        if member.server is not None:
            member.server.kill()
        shutil.rmtree(self.machine.home(member.pod), ignore_errors=True)

    async def close(self) -> None:
        """Ends every process at once: the platform goes, or starts this one again."""
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for member in self.members.values():
            if member.server is not None:
                member.server.kill()
        end_leftovers(self.machine.folder)
        await self.machine.session.close()
