"""All of it together, for the engine process: follows pods, runs replicas, answers for the ports of Ray's pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from local.engine.engine import EngineState
from local.engine.fleet import EngineFleet
from local.engine.openai_api import handle
from local.engine.operators.ray.autoscaling import RayScaling, ScalingApi
from local.engine.operators.ray.clusters import AGENT, METRICS, RayClusters, cluster_of
from local.engine.operators.ray.dashboard import answer_head, exposition
from local.engine.operators.ray.replicas import RayReplicas


class Ray:
    """The Ray clusters of one platform."""

    def __init__(
        self,
        fleet: EngineFleet,
        api: ScalingApi,
        directory: Path,
        cold_start_seconds: float,
        log: Callable[[str], None],
    ) -> None:
        self._fleet = fleet
        self.clusters = RayClusters(directory / "ray.json")
        self.replicas = RayReplicas(fleet, self.clusters, api, cold_start_seconds, log)
        self.scaling = RayScaling(self.clusters, self.replicas, api, log)

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event, after the fleet has."""
        self.clusters.on_pod(event, item)
        self.replicas.changed()

    async def run(self) -> None:
        """Runs replicas and autoscalers forever."""
        await asyncio.gather(self.replicas.run(), self.scaling.run())

    async def answer(
        self, request: web.BaseRequest, namespace: str, pod: str, port: int, path: str
    ) -> web.StreamResponse | None:
        """What the pod answers on this port; None where nothing listens."""
        cluster = self.clusters.of_head(namespace, pod)
        if cluster is not None:
            return await answer_head(self.clusters, self.replicas, cluster, request, port, path)
        member = self._fleet.members.get((namespace, pod))
        if (
            member is None
            or cluster_of(member.pod.labels, namespace, "worker") is None
            or not member.pod.container_begun
        ):
            return None
        if port == METRICS and path == "/metrics":
            return exposition(member.engine)
        if port == AGENT and path == "/api/local_raylet_healthz":
            return web.Response(text="success", content_type="application/text")
        engine = member.engine
        if engine is not None and engine.state is EngineState.SERVING and engine.config.arguments.port == port:
            return await handle(engine, request, path)
        return None
