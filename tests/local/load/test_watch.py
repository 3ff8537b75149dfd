"""Watching: what answers is in the sample, what does not is None, and the run goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from local.load.samples import Gauges, LoadSample, Replicas
from local.load.sender import Sender
from local.load.target import LoadTarget
from local.load.watch import Watcher, prometheus_url

TARGET = LoadTarget("models", "qwen", "http://127.0.0.1:9", "Qwen", 8192)
DEPLOYMENT = {"metadata": {"name": "qwen"}, "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}
NODE = {
    "metadata": {"labels": {"node.kubernetes.io/instance-type": "g6.2xlarge"}},
    "status": {"allocatable": {"nvidia.com/gpu": "1"}},
}


class Api:
    """The API server as the watcher asks it; `down`: nothing answers. `kind`: of the model's replicas."""

    def __init__(self, down: bool = False, kind: str = "deployments") -> None:
        self.asked: list[str] = []
        self._down, self._kind = down, kind

    async def get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        if self._down:
            raise aiohttp.ClientConnectionError("down")
        if path.endswith("/qwen"):
            return DEPLOYMENT if self._kind in path else None
        return {"items": [NODE] if path.endswith("nodes") else []}


def _numbers(request: web.BaseRequest) -> web.Response:
    query = request.query["query"]
    value = "3.5" if "timestamp" in query else "12" if "waiting" in query else "40"
    return web.json_response({"data": {"result": [{"value": [0, value]}]}})


def _watched(api: Api, answer: Callable[[web.BaseRequest], web.Response] | None, count: int) -> list[LoadSample]:
    """So many samples, a tenth of a second apart."""

    async def work() -> list[LoadSample]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            assert answer is not None
            return answer(request)

        server = RawTestServer(handle)
        await server.start_server()
        url = None if answer is None else f"http://127.0.0.1:{server.port}"
        watcher, enough = Watcher(api, TARGET, url, Sender(TARGET.url, "Qwen", 1, 1.0)), asyncio.Event()  # type: ignore[arg-type]

        def show(_: LoadSample) -> None:
            if len(watcher.samples) == count:
                enough.set()

        watching = asyncio.create_task(watcher.run(show))
        await asyncio.wait_for(enough.wait(), 20)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await server.close()
        return watcher.samples

    return asyncio.run(work())


def test_a_sample_holds_replicas_nodes_and_gauges_with_their_age() -> None:
    api = Api()
    (sample,) = _watched(api, _numbers, 1)
    assert sample.replicas == Replicas(2, 1)
    assert sample.gauges == Gauges(12, 40, 3.5)
    assert sample.nodes is not None
    assert (sample.nodes.count, sample.nodes.with_gpus) == (1, 1)
    assert "/apis/apps/v1/namespaces/models/deployments/qwen" in api.asked


def test_a_model_on_several_nodes_is_read_from_its_set() -> None:
    api = Api(kind="leaderworkersets")
    (sample,) = _watched(api, _numbers, 1)
    assert sample.replicas == Replicas(2, 1)
    assert "/apis/leaderworkerset.x-k8s.io/v1/namespaces/models/leaderworkersets/qwen" in api.asked


def test_nodes_are_not_listed_in_every_round() -> None:
    api = Api()
    samples = _watched(api, None, 2)
    assert api.asked.count("/api/v1/nodes") == 1
    assert samples[0].nodes == samples[1].nodes


def test_what_does_not_answer_is_none_and_the_watching_goes_on() -> None:
    samples = _watched(Api(down=True), lambda _: web.Response(status=500, text="no JSON"), 2)
    assert [(s.replicas, s.nodes, s.gauges) for s in samples] == [(None, None, None)] * 2


def test_without_a_series_there_are_no_gauges() -> None:
    (sample,) = _watched(Api(), lambda _: web.json_response({"data": {"result": []}}), 1)
    assert sample.gauges is None


def test_prometheus_is_where_the_platform_says_if_it_runs(tmp_path: Path) -> None:
    ports = tmp_path / "ports.json"
    assert prometheus_url(ports, is_alive=True) is None
    ports.write_text(json.dumps({"prometheus": 19090}))
    assert prometheus_url(ports, is_alive=True) == "http://127.0.0.1:19090"
    assert prometheus_url(ports, is_alive=False) is None
