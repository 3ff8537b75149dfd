"""Simulated exporters: what the pods of DCGM exporter, kube-state-metrics, node-exporter and cluster-autoscaler would
answer.

Each is asked only as the pod that it is: the image decides which one, the port has to be one that the pod declares.
kube-state-metrics (k8s.io/kube-state-metrics) and DCGM exporter cannot be had from the Go module proxy (asked
2026-11-21); the series are theirs by name, label and meaning, as far as dashboards and alerts here read them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from local.engine.kube import KubeApi
from local.engine.ports import read_json
from local.host.paths import Paths
from local.monitoring import cluster_autoscaler, dcgm, kube_state, node_exporter
from local.monitoring.programs import is_ready, repository
from local.monitoring.view import ClusterView, Unreachable

Object = dict[str, Any]


class Exporters:
    """Answers for exporters' pods, from the watched cluster and the engines' own figures."""

    def __init__(self, paths: Paths, view: ClusterView, api: KubeApi, session: aiohttp.ClientSession) -> None:
        self._paths, self._view, self._api, self._session = paths, view, api, session
        self._assignments: dict[str, dcgm.Assignments] = {}
        self._busy: dict[tuple[str, str, str], tuple[float, float, float]] = {}

    async def text(self, pod: Object, port: int, path: str) -> str | None:
        """The exposition of this pod; None for a pod that nothing simulates."""
        images = {
            repository(str(container.get("image", ""))).rpartition("/")[2] for container in pod["spec"]["containers"]
        }
        known = images & {"dcgm-exporter", "kube-state-metrics", "node-exporter", "cluster-autoscaler"}
        if not known:
            return None
        declared = {p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports") or []}
        if port not in declared or path != "/metrics" or not is_ready(pod):
            raise Unreachable(f"pod {pod['metadata']['name']}: connection refused on port {port}, path {path}")
        if "kube-state-metrics" in known:
            return await self._kube_state(pod)
        if "cluster-autoscaler" in known:
            return cluster_autoscaler.families(self._view.nodes.values(), self._view.pods.values()).text()
        node = self._view.nodes.get(pod["spec"].get("nodeName", ""))
        if node is None:
            raise Unreachable(f"pod {pod['metadata']['name']} has no node")
        if "node-exporter" in known:
            return node_exporter.families(node).text()
        return await self._dcgm(node)

    async def engines(self) -> dict[tuple[str, str], Object]:
        """What the engine process says of each of its engines."""
        url = read_json(self._paths.run / "engine" / "admin.json", {}).get("url")
        if url is None:
            return {}
        async with self._session.get(f"{url}/engines") as response:
            return {(engine["namespace"], engine["pod"]): engine for engine in await response.json()}

    async def engine(self, namespace: str, pod: str) -> Object | None:
        return (await self.engines()).get((namespace, pod))

    async def _dcgm(self, node: Object) -> str:
        name = node["metadata"]["name"]
        pods = [
            pod
            for pod in self._view.pods.values()
            if pod["spec"].get("nodeName") == name
            and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]
        assignments = self._assignments.setdefault(name, dcgm.Assignments())
        assignments.update(dcgm.physical_gpus(node), pods)
        engines = await self.engines()
        now = asyncio.get_running_loop().time()
        loads = {
            key: dcgm.GpuLoad(
                self._busy_share(name, key, engines[key], now), float(engines[key]["gpu_memory_utilization"])
            )
            for key in assignments.held
            if key in engines and engines[key]["state"] in ("serving", "draining")
        }
        return dcgm.families(node, assignments, loads, dcgm.DRIVER_VERSION).text()

    def _busy_share(self, node: str, key: tuple[str, str], engine: Mapping[str, Any], now: float) -> float:
        """Share of the time since the last scrape in which the engine computed; scrapes within a second share one."""
        busy, where = float(engine["busy_seconds"]), (node, *key)
        before, since, share = self._busy.get(where, (busy, now, float(engine["running"] > 0)))
        if now - since >= 1.0:
            share = min(max((busy - before) / (now - since), 0.0), 1.0)
            since, before = now, busy
        self._busy[where] = (before, since, share)
        return share

    async def _kube_state(self, pod: Object) -> str:
        arguments = [a for c in pod["spec"]["containers"] for a in c.get("args") or []]
        lists = await asyncio.gather(*(self._api.get(path) for path in kube_state.LISTS.values()))
        objects = {
            kind: (objects or {}).get("items") or [] for kind, objects in zip(kube_state.LISTS, lists, strict=True)
        }
        return kube_state.families(objects, kube_state.allowed_labels(arguments)).text()
