"""Looks at the platform every second during a run: the API server for replicas and nodes, Prometheus for queues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from local.commands.completion import GROUPS, ROLLOUTS
from local.engine.kube import KubeApi
from local.load.client import RequestOutcome
from local.load.samples import Gauges, LoadSample, NodeCounts, Replicas, gauge_queries, nodes_of, number, replicas_of
from local.load.sender import Sender
from local.load.target import LoadTarget

ROUND_SECONDS = 1.0
NODES_EVERY = 5
"""Nodes are listed in one round of these: with many the list is long, and they change in minutes."""
FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError)


class Watcher:
    """Collects samples; what does not answer is None in them, the run goes on."""

    def __init__(self, api: KubeApi, target: LoadTarget, prometheus_url: str | None, sender: Sender) -> None:
        self._api, self._target, self._sender = api, target, sender
        self._prometheus_url = prometheus_url
        self._nodes: NodeCounts | None = None
        self._rounds = 0
        self.samples: list[LoadSample] = []

    async def run(self, show: Callable[[LoadSample], None]) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                began = self._sender.clock()
                sample = await self._sample(session)
                self.samples.append(sample)
                show(sample)
                await asyncio.sleep(max(0.1, ROUND_SECONDS - (self._sender.clock() - began)))

    async def _sample(self, session: aiohttp.ClientSession) -> LoadSample:
        replicas, gauges = await asyncio.gather(self._replicas(), self._gauges(session))
        if self._rounds % NODES_EVERY == 0:
            self._nodes = await self._list_nodes()
        self._rounds += 1
        counts = self._sender.counts
        return LoadSample(
            self._sender.clock(),
            replicas,
            self._nodes,
            gauges,
            self._sender.sent,
            counts[RequestOutcome.ANSWERED],
            counts[RequestOutcome.REFUSED],
            counts[RequestOutcome.LOST],
            self._sender.in_flight,
        )

    async def _replicas(self) -> Replicas | None:
        namespace, name = self._target.namespace, self._target.name
        try:
            async with asyncio.timeout(5):
                deployment = await self._api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
                for group, version, plural in (ROLLOUTS, GROUPS):
                    if deployment is not None:
                        break  # neither a model whose changes are canaries, nor one on several nodes
                    deployment = await self._api.get(f"/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}")
                scalers = await self._api.get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")
        except FAILURES:
            return None
        return replicas_of(deployment, (scalers or {}).get("items") or [])

    async def _list_nodes(self) -> NodeCounts | None:
        try:
            async with asyncio.timeout(10):
                listed = await self._api.get("/api/v1/nodes")
        except FAILURES:
            return None
        return nodes_of((listed or {}).get("items") or [])

    async def _gauges(self, session: aiohttp.ClientSession) -> Gauges | None:
        if self._prometheus_url is None:
            return None
        queries = gauge_queries(self._target.namespace, self._target.served)
        try:
            answers = await asyncio.gather(*(self._ask(session, query) for query in queries))
        except FAILURES:
            return None
        waiting, running, age = answers
        return None if waiting is None or running is None or age is None else Gauges(waiting, running, age)

    async def _ask(self, session: aiohttp.ClientSession, query: str) -> float | None:
        async with session.get(f"{self._prometheus_url}/api/v1/query", params={"query": query}) as answer:
            document: dict[str, Any] = await answer.json()
            return number(document)


def prometheus_url(ports_file: Path, is_alive: bool) -> str | None:
    """Where the platform's Prometheus listens; None when the stack runs none."""
    if not is_alive or not ports_file.exists():
        return None
    return f"http://127.0.0.1:{json.loads(ports_file.read_text())['prometheus']}"
