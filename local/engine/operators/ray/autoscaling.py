"""Ray's two autoscalers, simulated: Serve's says how many replicas there should be, the cluster's gets them workers.

Rules of ray 2.56.0. Serve's (serve/autoscaling_policy.py, serve/_private/autoscaling_state.py): requests in flight,
their mean over look_back_period_s, by target_ongoing_requests, rounded up, within the bounds; it is taken once it was
asked for the whole delay. The cluster's, a container of the head's pod (autoscaler/_private/kuberay/node_provider.py),
patches the RayCluster, and KubeRay makes and takes the workers; one without a replica goes after idleTimeoutSeconds.
Not simulated: demand for anything but replicas (Serve's ingress stands wherever a worker is).
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from local.engine import fleet
from local.engine.fleet import Member
from local.engine.operators.ray.clusters import RayCluster, RayClusters
from local.engine.operators.ray.replicas import RayReplicas
from local.engine.operators.ray.serve_config import Autoscaling

SERVE_SECONDS = 0.5
CLUSTER_SECONDS = 5.0  # AUTOSCALER_UPDATE_INTERVAL_S of ray_constants.py
IDLE_SECONDS = 60.0  # of KubeRay, where autoscalerOptions say nothing
Object = Mapping[str, Any]


class ScalingApi(fleet.Api, Protocol):
    """What it needs of the API server beside; `kube.KubeApi` has it."""

    async def patch_json(self, path: str, operations: list[dict[str, Any]]) -> bool: ...


@dataclass
class ServeDecision:
    """What Serve remembers of one deployment between its decisions; times are of one clock, in seconds."""

    samples: deque[tuple[float, int]] = field(default_factory=deque)
    upwards: bool = False
    since: float | None = None
    """When it first wanted to go the way that it wants to go."""

    def target(self, now: float, in_flight: int, running: int, target: int, scaling: Autoscaling) -> int:
        """How many replicas there should be from now on, where `target` should be until now and `running` serve."""
        self.samples.append((now, in_flight))
        while self.samples[0][0] < now - scaling.look_back_period_s:
            self.samples.popleft()
        if not running:
            return max(1, target) if in_flight else target
        mean = sum(count for _, count in self.samples) / len(self.samples)
        desired = math.ceil(mean / (scaling.target_ongoing_requests or 2.0))
        return self._delayed(now, min(max(desired, scaling.min_replicas), scaling.max_replicas), target, scaling)

    def _delayed(self, now: float, desired: int, target: int, scaling: Autoscaling) -> int:
        if desired == target:
            self.since = None
            return target
        upwards = desired > target
        if self.since is None or upwards != self.upwards:
            self.since, self.upwards = now, upwards
        delay = scaling.upscale_delay_s if upwards else scaling.downscale_delay_s
        if now - self.since < delay:
            return target
        self.since = None
        # From one to zero is a step of its own.
        return desired if upwards or target == 1 else max(1, desired)


def wanted_workers(
    group: Object, target: int, workers: Mapping[str, float], idle_seconds: float
) -> tuple[int, list[str]]:
    """Replicas of the worker group, and the pods that go. `workers`: pod -> for how many seconds it has had no replica.

    A worker that comes up has none yet, and is not idle (0 s): it is what a replica waits for.
    """
    most, least = int(group.get("maxReplicas", 2**31 - 1)), int(group.get("minReplicas", 0))
    if target > len(workers):
        return min(target, most), []
    idle = sorted((pod for pod, seconds in workers.items() if seconds >= idle_seconds), key=lambda pod: -workers[pod])
    leaving = idle[: max(len(workers) - max(target, least), 0)]
    return len(workers) - len(leaving), leaving


class RayScaling:
    """The autoscalers of all clusters whose heads have one."""

    def __init__(
        self, clusters: RayClusters, replicas: RayReplicas, api: ScalingApi, log: Callable[[str], None]
    ) -> None:
        self._clusters, self._replicas, self._api, self._log = clusters, replicas, api, log
        self._decisions: dict[str, ServeDecision] = {}
        self._idle_since: dict[str, float] = {}

    async def run(self) -> None:
        """Forever."""
        next_look = 0.0
        while True:
            now = asyncio.get_running_loop().time()
            self.decide(now)
            if now >= next_look:
                next_look = now + CLUSTER_SECONDS
                for cluster in list(self._clusters.by_key.values()):
                    if cluster.autoscaled and cluster.head:
                        await self._follow(cluster, now)
            await asyncio.sleep(SERVE_SECONDS)

    def decide(self, now: float) -> None:
        """Serve's part: the target of every cluster whose config says bounds."""
        heads = {cluster.head_uid for cluster in self._clusters.by_key.values()}
        self._decisions = {uid: decision for uid, decision in self._decisions.items() if uid in heads}
        for cluster in self._clusters.by_key.values():
            llm = cluster.built.llm if cluster.built else None
            scaling = llm.deployment_config.autoscaling_config if llm else None
            if scaling is None or not cluster.head:
                continue
            serving = [replica for replica in self._replicas.of(cluster) if replica.serves]
            in_flight = sum(replica.engine.in_flight for replica in serving)
            decision = self._decisions.setdefault(cluster.head_uid, ServeDecision())
            target = decision.target(now, in_flight, len(serving), cluster.target, scaling)
            if target != cluster.target:
                self._log(f"(simulated) Ray Serve: {cluster.key[1]} from {cluster.target} to {target} replicas")
                cluster.target = target
                self._replicas.changed()

    async def _follow(self, cluster: RayCluster, now: float) -> None:
        try:
            await self.follow(cluster, now)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log(f"WARNING Ray's autoscaler of {cluster.key[1]}: {error}")

    async def follow(self, cluster: RayCluster, now: float) -> None:
        """The cluster's part: one look, and a patch where something has to change. Raises aiohttp.ClientError."""
        namespace, name = cluster.key
        path = f"/apis/ray.io/v1/namespaces/{namespace}/rayclusters/{name}"
        found = await self._api.get(path)
        if found is None or not found["spec"].get("workerGroupSpecs"):
            return
        group = found["spec"]["workerGroupSpecs"][0]
        members = self._replicas.all_workers(cluster)
        told = (group.get("scaleStrategy") or {}).get("workersToDelete") or []
        if any(member.pod.name in told for member in members):
            return  # the operator has not taken them yet
        idle = float((found["spec"].get("autoscalerOptions") or {}).get("idleTimeoutSeconds", IDLE_SECONDS))
        staying = [member for member in members if not member.pod.deleting]
        replicas, leaving = wanted_workers(group, cluster.target, self._idle(cluster, staying, now), idle)
        operations = []
        if replicas != group.get("replicas"):
            operations.append(_replace("replicas", replicas))
        if leaving or told:
            operations.append(_replace("scaleStrategy", {"workersToDelete": leaving}))
        if operations:
            self._log(f"(simulated) Ray's autoscaler: {name} to {replicas} workers; leaving: {leaving or 'none'}")
            await self._api.patch_json(path, operations)

    def _idle(self, cluster: RayCluster, members: list[Member], now: float) -> dict[str, float]:
        busy = {replica.uid for replica in self._replicas.of(cluster)}
        running = {member.pod.uid for member in self._replicas.workers(cluster)}
        for member in members:
            if member.pod.uid in busy or member.pod.uid not in running:
                self._idle_since.pop(member.pod.uid, None)
            else:
                self._idle_since.setdefault(member.pod.uid, now)
        return {member.pod.name: now - self._idle_since.get(member.pod.uid, now) for member in members}


def _replace(field_name: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": f"/spec/workerGroupSpecs/0/{field_name}", "value": value}
