"""Replicas of several pods (LeaderWorkerSet) in the engine process: a leader serves while all workers of its group run.

Of vLLM's processes on several nodes (vllm 0.32.0, v1/executor/multiproc_executor.py): a leader's engine starts when all
ranks have come to its rendezvous, and cannot go on without one. Here its process ends at once; the real one watches
processes of its own node only, and may hang until NCCL gives up. A worker whose pod is to end stays while the leader's
engine lives: the preStop hook of our pods (components/serving/leave_with_leader.py), which no pod here runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from local.engine.engine import EngineState
from local.engine.flags import UsageError
from local.engine.fleet import Api, EngineFleet, Member
from local.engine.pods import is_ready, readiness

ROUND_SECONDS = 0.5


class Groups:
    """All groups of one platform."""

    def __init__(self, fleet: EngineFleet, api: Api, cold_start_seconds: float, log: Callable[[str], None]) -> None:
        self._fleet, self._api, self._log = fleet, api, log
        self._cold_start_seconds = cold_start_seconds
        self._whole_since: dict[str, float] = {}
        """By the leader's uid: since when all its group runs, by the loop's clock."""

    async def run(self) -> None:
        """Forever, twice a second."""
        while True:
            await self.round()
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """One look at every group."""
        leaders = [m for m in self._fleet.members.values() if m.pod.group_rank == 0 and m.engine is not None]
        for uid in self._whole_since.keys() - {leader.pod.uid for leader in leaders}:
            del self._whole_since[uid]
        for leader in leaders:
            await self._look_at(leader)

    async def _look_at(self, leader: Member) -> None:
        engine, pod = leader.engine, leader.pod
        assert engine is not None
        if not pod.container_begun:
            return
        workers = engine.config.arguments.nnodes - 1
        ranks = {worker.pod.group_rank for worker in self._fleet.workers_of(pod) if worker.pod.container_begun}
        if len(ranks) < workers:
            self._whole_since.pop(pod.uid, None)
            if engine.state in (EngineState.SERVING, EngineState.DRAINING):
                lost = ", ".join(str(rank) for rank in range(1, workers + 1) if rank not in ranks)
                await self._fleet.end(leader, UsageError(f"RuntimeError: rank {lost} of {pod.name} is gone", 1))
            return
        if pod.deleting:
            return
        now = asyncio.get_running_loop().time()
        since = self._whole_since.setdefault(pod.uid, now)
        if engine.state is EngineState.LOADING and now - since >= self._cold_start_seconds:
            engine.start_serving()
        if engine.state is EngineState.SERVING and not is_ready(pod):
            await self._say_ready(leader, True)

    async def _say_ready(self, member: Member, ready: bool) -> None:
        try:
            await self._api.patch_status(member.pod.path, readiness(member.pod, ready))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log(f"WARNING readiness of {member.pod.name} not written: {error}")
