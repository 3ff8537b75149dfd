"""KubeAI's proxy: it holds a request until a server is Ready (internal/openaiserver, internal/modelproxy)."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from aiohttp import web

from local.engine.operators.kubeai.balance import Endpoint, EndpointGroup
from local.engine.operators.kubeai.controller import Controller, is_ready
from local.engine.operators.kubeai.pod import PORT_ANNOTATION
from local.engine.operators.kubeai.requests import (
    AUDIO,
    JSON_PATHS,
    BadRequest,
    ModelNotFound,
    ProxyRequest,
    listing,
    read,
)
from local.engine.operators.needs import PodAddresses
from local.engine.operators.passing import copied, passed_on

RETRIED = frozenset({500, 502, 503, 504})
MOST_RETRIES = 3
LINGO = {"X-Proxy": "lingo"}
LOOK_SECONDS = 0.5
# net/http/httputil, ReverseProxy with Rewrite: these are taken off, too.
TAKEN_OFF = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})


class _Refused(ConnectionError):
    """Nothing listens at the server's address."""


@dataclass
class _UnderWay:
    """How far a request has come: `sent` to a server; `begun` to be answered."""

    sent: bool = False
    begun: bool = False


def _error(status: int, message: str) -> web.Response:
    """Its own form; what is wrong inside stays inside (request.go, sendErrorResponse)."""
    told = message if status < 500 else HTTPStatus(status).phrase
    return web.json_response({"error": told}, status=status, headers=LINGO)


class Proxy:
    """The API of one pod; `in_flight`, by the name that was asked for, is what the autoscaler reads, held ones too."""

    def __init__(self, controller: Controller, ports: PodAddresses, session: aiohttp.ClientSession) -> None:
        self.in_flight: Counter[str] = Counter()
        self._controller, self._ports, self._session = controller, ports, session
        self._groups: dict[str, EndpointGroup] = {}
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """SIGTERM: a request's context is the process' own (manager/run.go, BaseContext), and ends with it."""
        self._stopped.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of a client; when the process is told to end it is cut, or answered with an error."""
        far = _UnderWay()
        serving = asyncio.ensure_future(self._serve(request, far))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                return serving.result()
            if far.begun and request.transport is not None:
                request.transport.close()
            return _error(502 if far.sent else 500, "context canceled")
        finally:
            serving.cancel()
            stopped.cancel()

    async def _serve(self, request: web.BaseRequest, far: _UnderWay) -> web.StreamResponse:
        path, models = request.path.removeprefix("/openai"), self._controller.models
        selectors = request.headers.getall("X-Label-Selector", [])
        try:
            if request.path == "/openai/v1/models":
                return web.json_response(listing(list(models.values()), request.query.getall("feature", []), selectors))
            if not request.path.startswith("/openai/") or path not in (*JSON_PATHS, AUDIO):
                return web.Response(status=404, text="404 page not found\n")
            asked = read(path, request.content_type, await request.read(), selectors, models)
        except BadRequest as error:
            return _error(400, str(error))
        except ModelNotFound as error:
            return _error(404, str(error))
        self.in_flight[asked.requested] += 1
        try:
            spec = models[asked.model]["spec"]
            if not int(spec.get("replicas") or 0) and not spec.get("autoscalingDisabled"):
                await self._controller.scale(asked.model, 1)
            return await self._forward(request, path, asked, far)
        finally:
            self.in_flight[asked.requested] -= 1

    async def _forward(
        self, request: web.BaseRequest, path: str, asked: ProxyRequest, far: _UnderWay
    ) -> web.StreamResponse:
        """To a server, at once to another one where it fails; each counts its request until all is over."""
        group = self._groups.setdefault(asked.model, EndpointGroup(asked.balancing["prefixHash"]["replication"]))
        with ExitStack() as taken:
            for attempt in range(MOST_RETRIES + 1):
                endpoint = await self._best(group, asked)
                taken.enter_context(group.taken(endpoint))
                far.sent = True
                try:
                    async with await self._sent(request, endpoint, path, asked.body) as upstream:
                        if upstream.status not in RETRIED or attempt == MOST_RETRIES:
                            far.begun = True
                            return await copied(request, upstream, LINGO)
                except (aiohttp.ClientConnectionError, _Refused):
                    pass
        return _error(502, f"proxy: exceeded retries: {MOST_RETRIES}/{MOST_RETRIES}")

    async def _sent(
        self, request: web.BaseRequest, endpoint: Endpoint, path: str, body: bytes
    ) -> aiohttp.ClientResponse:
        """Raises ClientConnectionError, or _Refused."""
        port = await self._ports.of(endpoint.address)
        if port is None:
            raise _Refused(endpoint.address)
        return await passed_on(self._session, request, port, path, body, TAKEN_OFF)

    async def _best(self, group: EndpointGroup, asked: ProxyRequest) -> Endpoint:
        """A Ready server, as soon as there is one; it waits as long as its client does."""
        while True:
            group.reconcile(self._observed(asked.model))
            endpoint = group.choose(asked.balancing, asked.prefix)
            if endpoint is not None:
                return endpoint
            with suppress(TimeoutError):
                await asyncio.wait_for(self._controller.told(), LOOK_SECONDS)

    def _observed(self, model: str) -> dict[str, str]:
        """Addresses of its Ready pods, those that leave among them (load_balancer.go).

        Pods and engines are told of by one watch each: one that is Ready before its engine listens is not yet so.
        """
        observed = {}
        for pod in self._controller.pods_of(model):
            metadata, ip = pod["metadata"], (pod.get("status") or {}).get("podIP")
            port = (metadata.get("annotations") or {}).get(PORT_ANNOTATION)
            if not is_ready(pod) or not ip or not port:
                continue
            if "deletionTimestamp" in metadata or self._ports.listens(f"{ip}:{port}"):
                observed[metadata["name"]] = f"{ip}:{port}"
        return observed
