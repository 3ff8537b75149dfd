"""A release of KubeAI: the pods of one namespace, one of which leads: it reconciles Models and scales them.

Both elections of its (the controller's, the autoscaler's) are one here. Who leads lets no lease go when it ends
(manager/run.go, leader/election.go): the next one waits as long as it was for, and until then no pod is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import aiohttp

from local.engine.operators.kubeai.autoscaler import STATE_KEY
from local.engine.operators.kubeai.controller import AGAIN_SECONDS, MODELS, PROGRAM, Controller, is_ready
from local.engine.operators.kubeai.manager import SELF, Manager, NotStarted
from local.engine.operators.kubeai.proxy import Proxy
from local.engine.operators.needs import ControllerApi, PodAddresses
from local.engine.operators.passing import session

# config/system.go, LeaderElection.
LEASE_SECONDS = 15.0
LEASES = ("cc6bca10.substratus.ai", "kubeai.org")

Object = dict[str, Any]


class Release:
    """KubeAI in a namespace, for as long as it has a pod there."""

    def __init__(self, namespace: str, api: ControllerApi, ports: PodAddresses, say: Callable[[str], None]) -> None:
        self.managers: dict[str, Manager] = {}
        self.controller = Controller(api, namespace, lambda line: say(f"INFO (stand-in) kubeai in {namespace}: {line}"))
        self._namespace, self._api, self._ports, self._say = namespace, api, ports, say
        self._session: aiohttp.ClientSession | None = None
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: list[asyncio.Task[None]] = []
        self._leader: Manager | None = None
        self._work: list[asyncio.Task[None]] = []

    def on_pod(self, event: str, item: Object) -> None:
        """Takes a watch event of one of its own pods."""
        name = item["metadata"]["name"]
        if event == "DELETED" or "deletionTimestamp" in item["metadata"]:
            manager = self.managers.pop(name, None)
            if manager is not None:
                self._leave(manager)
            if not self.managers:
                self._end()
        else:
            if name not in self.managers:
                self._begin(item)
            self.managers[name].runs = is_ready(item)
        self._changed.set()

    def _leave(self, manager: Manager) -> None:
        manager.leave()
        if manager is self._leader:
            self._stop_leading()

    def _stop_leading(self) -> None:
        self._leader = None
        for task in self._work:
            task.cancel()
        self._work = []

    def _begin(self, item: Object) -> None:
        if self._session is None:
            self._session = session()
        manager = Manager(item, Proxy(self.controller, self._ports, self._session))
        self.managers[manager.name] = manager
        self._spawn(self._start(manager))
        if not self._running:
            path = MODELS.format(namespace=self._namespace)
            watch = self._api.follow(path, self.controller.on_model, self._say)
            self._running = [self._spawn(watch), self._spawn(self._lead())]

    def _end(self) -> None:
        """Its last pod is gone, and what follows Models goes with it."""
        for task in self._running:
            task.cancel()
        self._running = []
        self.controller.models.clear()
        if self._session is not None:
            self._spawn(self._session.close())
            self._session = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say(f"ERROR (stand-in) kubeai in {self._namespace}: {error!r}")

    async def _start(self, manager: Manager) -> None:
        while manager.system is None and not manager.ended.is_set():
            try:
                await manager.start(self._api)
            except NotStarted as error:
                self._say(f"ERROR (stand-in) kubeai {self._namespace}/{manager.name} did not start: {error}")
                return
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(AGAIN_SECONDS)
        self._changed.set()

    async def _lead(self) -> None:
        """One pod after another, until cancelled."""
        while True:
            leader = await self._candidate()
            try:
                if await self._is_held(leader):
                    await self.lease_over()
                if leader.ended.is_set():
                    continue
                await self._hold(leader)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self._say(f"WARNING (stand-in) kubeai in {self._namespace}: no lease: {error}")
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            assert leader.system is not None
            self._leader = leader
            self._work = [self._spawn(self.controller.run(leader.system)), self._spawn(self._scale(leader))]
            await leader.ended.wait()

    async def _candidate(self) -> Manager:
        while True:
            self._changed.clear()
            serving = sorted((each for each in self.managers.values() if each.serves), key=lambda each: each.name)
            if serving:
                return serving[0]
            await self._changed.wait()

    def _lease(self, name: str = "") -> str:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"
        return f"{path}/{name}" if name else path

    async def _is_held(self, candidate: Manager) -> bool:
        """By another pod, whether that one is there or not: it does not give it back."""
        lease = await self._api.get(self._lease(LEASES[0]))
        return lease is not None and (lease.get("spec") or {}).get("holderIdentity") not in (None, "", candidate.name)

    async def lease_over(self) -> None:
        """Until a lease that is not renewed may be taken."""
        await asyncio.sleep(LEASE_SECONDS)

    async def _hold(self, leader: Manager) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": leader.name,
            "leaseDurationSeconds": int(LEASE_SECONDS),
            "acquireTime": now,
            "renewTime": now,
        }
        for name in LEASES:
            if not await self._api.merge(self._lease(name), {"spec": spec}, PROGRAM):
                metadata = {"name": name, "namespace": self._namespace}
                lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
                await self._api.create(self._lease(), lease, PROGRAM)
        self._say(f"INFO (stand-in) kubeai in {self._namespace}: {leader.name} leads")

    async def _scale(self, leader: Manager) -> None:
        """A look at each interval (autoscaler.go, Start)."""
        assert leader.system is not None
        while True:
            await asyncio.sleep(leader.system.interval_seconds)
            try:
                await self.look(leader)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self._say(f"WARNING (stand-in) kubeai in {self._namespace}: {error}")

    async def look(self, leader: Manager) -> None:
        """One round: what all Ready pods have in flight; then the means are kept."""
        assert leader.scaler is not None
        assert leader.system is not None
        own = [each for each in self.managers.values() if each.serves and SELF.items() <= each.labels.items()]
        for name, model in list(self.controller.models.items()):
            in_flight = sum(each.proxy.in_flight[name] for each in own)
            replicas = leader.scaler.look(name, model["spec"], in_flight)
            if replicas is not None:
                await self.controller.scale(name, replicas)
        path = f"/api/v1/namespaces/{self._namespace}/configmaps/{leader.system.state}"
        await self._api.merge(path, {"data": {STATE_KEY: leader.scaler.state()}}, PROGRAM)
