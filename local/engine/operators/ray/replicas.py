"""Replicas of a model on the workers of its Ray cluster, as Ray Serve's controller would have them.

Each worker has room for one. A pod is Ready while the replica on it serves: its readiness probe asks the model itself.
Rules of ray 2.56.0, serve/_private/deployment_state.py: replicas of another version are stopped before new ones start,
a share of them at once and at least one (_check_and_stop_outdated_version_replicas): one alone is away meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.engine.engine import RAY_SURFACE, Engine, EngineState
from local.engine.flags import UsageError
from local.engine.fleet import Api, EngineFleet, Member, Told
from local.engine.operators.ray.clusters import RayCluster, RayClusters, cluster_of
from local.engine.pods import is_ready, readiness
from planning.versions import pins

ROUND_SECONDS = 0.5


@dataclass
class RayReplica:
    """A replica on the worker with this uid."""

    uid: str
    version: str
    engine: Engine
    serves_from: float
    """Of the loop's clock: it has loaded its model then."""
    stopping: asyncio.Task[None] | None = None

    @property
    def serves(self) -> bool:
        return self.engine.state is EngineState.SERVING and self.stopping is None


class RayReplicas:
    """Replicas of all clusters."""

    def __init__(
        self, fleet: EngineFleet, clusters: RayClusters, api: Api, cold_start_seconds: float, log: Callable[[str], None]
    ) -> None:
        self._fleet, self._clusters, self._api, self._log = fleet, clusters, api, log
        self._cold_start_seconds = cold_start_seconds
        self._by_uid: dict[str, RayReplica] = {}
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Something may have to be done."""
        self._changed.set()

    async def run(self) -> None:
        """Forever: at every change, and twice a second for what time brings."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), ROUND_SECONDS)
            self._changed.clear()
            for cluster in list(self._clusters.by_key.values()):
                await self.reconcile(cluster)

    def all_workers(self, cluster: RayCluster) -> list[Member]:
        """Its workers by name, those that come and those that leave among them."""
        workers = [
            member
            for member in self._fleet.members.values()
            if cluster_of(member.pod.labels, member.pod.namespace, "worker") == cluster.key
        ]
        return sorted(workers, key=lambda each: each.pod.name)

    def workers(self, cluster: RayCluster) -> list[Member]:
        """Those whose container runs, and that stay."""
        return [each for each in self.all_workers(cluster) if each.pod.container_begun and not each.pod.deleting]

    def of(self, cluster: RayCluster) -> list[RayReplica]:
        """Replicas on workers that stay."""
        return [self._by_uid[each.pod.uid] for each in self.workers(cluster) if each.pod.uid in self._by_uid]

    async def reconcile(self, cluster: RayCluster) -> None:
        """One step towards what Serve was told."""
        workers = {member.pod.uid: member for member in self.workers(cluster)}
        for uid in [uid for uid in self._by_uid if uid not in {m.pod.uid for m in self._fleet.members.values()}]:
            del self._by_uid[uid]
        ours = self.of(cluster)
        if cluster.built is None or cluster.built.llm is None:
            # Told nothing, or what cannot be built: what runs goes on until there is another target.
            leaving = ours if cluster.deployed is None else []
        else:
            leaving = self._leaving(cluster, ours)
        for replica in leaving:
            await self._stop(cluster, replica, workers[replica.uid])
        await self._start_missing(cluster, workers)
        now = asyncio.get_running_loop().time()
        for replica in self.of(cluster):
            if replica.engine.state is EngineState.LOADING and now >= replica.serves_from:
                replica.engine.start_serving()
        for uid, member in workers.items():
            its_replica = self._by_uid.get(uid)
            if its_replica and its_replica.stopping:
                continue  # was said when it began to stop
            # Found Ready after a restart of this process, too, whose engines ended with it.
            serves = its_replica is not None and its_replica.serves
            if serves != is_ready(member.pod):
                await self._say_ready(member, serves)

    def _leaving(self, cluster: RayCluster, ours: list[RayReplica]) -> list[RayReplica]:
        """Outdated ones as far as the rollout's share goes; when all are up to date, those above the target."""
        assert cluster.built is not None
        assert cluster.built.llm is not None
        staying = [each for each in ours if each.stopping is None]
        old = [each for each in staying if each.version != cluster.version]
        new = [each for each in staying if each.version == cluster.version]
        if old:
            share = cluster.built.llm.deployment_config.rolling_update_percentage
            serving = sum(each.serves for each in new)
            rollout = max(int(share * cluster.target), 1)
            return old[: max(rollout - (cluster.target - serving - len(old)), 0)]
        return new[cluster.target :]

    async def _start_missing(self, cluster: RayCluster, workers: dict[str, Member]) -> None:
        built = cluster.built
        if built is None or built.llm is None:
            return
        # One that stops holds its place until it is gone.
        missing = cluster.target - len(self.of(cluster))
        free = [m for uid, m in workers.items() if uid not in self._by_uid and m.pod.gpus >= built.llm.gpus]
        for member in free[: max(missing, 0)]:
            if member.pod.name in cluster.failures:
                continue
            try:
                told = Told(built.llm.arguments(cluster.port), str(pins.ENGINES["ray-llm"].vllm), RAY_SURFACE)
                engine = await self._fleet.engine_for(member.pod, told)
            except UsageError as failure:
                cluster.failures[member.pod.name] = failure.text
                self._log(f"ERROR (simulated) replica on {member.pod.name} did not start: {failure.text}")
                continue
            member.engine = engine
            from_ = asyncio.get_running_loop().time() + self._cold_start_seconds
            self._by_uid[member.pod.uid] = RayReplica(member.pod.uid, cluster.version, engine, from_)

    async def _stop(self, cluster: RayCluster, replica: RayReplica, member: Member) -> None:
        llm = cluster.built.llm if cluster.built else None
        seconds = llm.deployment_config.graceful_shutdown_timeout_s if llm and replica.serves else 0.0
        await self._say_ready(member, False)

        async def end() -> None:
            await replica.engine.drain(seconds)
            if member.engine is replica.engine:
                member.engine = None
            self._by_uid.pop(replica.uid, None)
            self.changed()

        replica.stopping = asyncio.create_task(end())

    async def _say_ready(self, member: Member, ready: bool) -> None:
        try:
            await self._api.patch_status(member.pod.path, readiness(member.pod, ready))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log(f"WARNING readiness of {member.pod.name} not written: {error}")

    def deployment(self, cluster: RayCluster) -> dict[str, Any]:
        """DeploymentDetails of serve/schema.py."""
        assert cluster.built is not None
        assert cluster.built.llm is not None
        ours = self.of(cluster)
        states = {True: "RUNNING", False: "STARTING"}
        status, trigger = self._status(cluster)
        return {
            "name": cluster.built.llm.deployment_name,
            "status": status,
            "status_trigger": trigger,
            "message": "\n".join(sorted(set(cluster.failures.values())))[-2000:],
            "deployment_config": {"name": cluster.built.llm.deployment_name},
            "target_num_replicas": cluster.target,
            "required_resources": {"GPU": cluster.built.llm.gpus},
            "replicas": [
                {
                    "replica_id": each.uid,
                    "state": "STOPPING" if each.stopping else states[each.serves],
                    "start_time_s": 0,
                }
                for each in ours
            ],
        }

    def _status(self, cluster: RayCluster) -> tuple[str, str]:
        ours = self.of(cluster)
        serving = sum(each.serves and each.version == cluster.version for each in ours)
        if cluster.failures and not serving:
            return "DEPLOY_FAILED", "REPLICA_STARTUP_FAILED"
        if serving >= cluster.target and len(ours) == serving:
            return "HEALTHY", "CONFIG_UPDATE_COMPLETED"
        return "UPDATING", "CONFIG_UPDATE_STARTED"

    def application_status(self, cluster: RayCluster) -> tuple[str, str]:
        """ApplicationStatus and message, from the deployment's (application_state.py)."""
        status, _ = self._status(cluster)
        message = "\n".join(sorted(set(cluster.failures.values())))
        return {"HEALTHY": "RUNNING", "DEPLOY_FAILED": "DEPLOY_FAILED"}.get(status, "DEPLOYING"), message
