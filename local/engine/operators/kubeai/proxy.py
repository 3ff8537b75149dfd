"""KubeAI's proxy: it holds a request until a server is Ready (internal/openaiserver, internal/modelproxy)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from local.engine.operators.kubeai.balance import choose, prefix_of
from local.engine.operators.kubeai.controller import Controller, is_ready
from local.engine.operators.kubeai.pod import PORT_ANNOTATION

# Of those that KubeAI serves, the ones that vLLM answers here.
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
RETRIED = frozenset({500, 502, 503, 504})
MOST_RETRIES = 3
LOOK_SECONDS = 0.1
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"}

# The local port of a pod's address; None while nothing listens there.
Ports = Callable[[str], Awaitable[int | None]]


def _error(status: int, message: str) -> web.Response:
    """Its own form (handler.go, sendErrorResponse)."""
    return web.json_response({"error": message}, status=status)


class Proxy:
    """Requests for all Models; `in_flight` is what the autoscaler follows: those that are held count."""

    def __init__(self, controller: Controller, ports: Ports, session: aiohttp.ClientSession) -> None:
        self.in_flight: Counter[str] = Counter()
        self._controller, self._ports, self._session = controller, ports, session
        self._at: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of a client."""
        path = request.path.removeprefix("/openai")
        if request.path == "/openai/v1/models":
            return self._listing()
        if not request.path.startswith("/openai/") or path not in PATHS:
            return web.Response(status=404, text="404 page not found\n")
        try:
            body = json.loads(await request.read())
            name = body["model"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "bad request: missing 'model' field")
        model = self._controller.models.get(str(name))
        if model is None:
            return _error(404, f"model not found: {json.dumps(name)}")
        self.in_flight[name] += 1
        try:
            if not int(model["spec"].get("replicas") or 0) and not model["spec"].get("autoscalingDisabled"):
                await self._controller.scale(name, 1)
            return await self._forward(request, path, name, body)
        finally:
            self.in_flight[name] -= 1

    def _listing(self) -> web.Response:
        cards = [{"id": name, "object": "model", "owned_by": ""} for name in sorted(self._controller.models)]
        return web.json_response({"object": "list", "data": cards})

    async def _forward(
        self, request: web.BaseRequest, path: str, name: str, body: dict[str, Any]
    ) -> web.StreamResponse:
        for attempt in range(MOST_RETRIES + 1):
            address, port = await self._best(name, body)
            self._at[address] += 1
            try:
                url = f"http://127.0.0.1:{port}{path}"
                async with self._session.post(url, json=body) as upstream:
                    if upstream.status in RETRIED and attempt < MOST_RETRIES:
                        continue
                    return await _copied(request, upstream)
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(LOOK_SECONDS)
            finally:
                self._at[address] -= 1
        return _error(502, f"proxy: exceeded retries: {MOST_RETRIES}/{MOST_RETRIES}")

    async def _best(self, name: str, body: dict[str, Any]) -> tuple[str, int]:
        """A Ready server, as soon as there is one; it waits as long as its client does."""
        while True:
            balancing = self._controller.models.get(name, {}).get("spec", {}).get("loadBalancing") or {}
            characters = (balancing.get("prefixHash") or {}).get("prefixCharLength", 100)
            listening = {address: port for address in self._addresses(name) if (port := await self._ports(address))}
            strategy = balancing.get("strategy", "LeastLoad")
            server = choose(listening, self._at, strategy, prefix_of(body, characters))
            if server is not None:
                return server, listening[server]
            await asyncio.sleep(LOOK_SECONDS)

    def _addresses(self, name: str) -> list[str]:
        return [
            f"{pod['status']['podIP']}:{pod['metadata']['annotations'][PORT_ANNOTATION]}"
            for pod in self._controller.pods_of(name)
            if is_ready(pod) and pod["status"].get("podIP")
        ]


async def _copied(request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    """The answer as it comes, streams too."""
    headers = {name: value for name, value in upstream.headers.items() if name.lower() not in HOP_BY_HOP}
    response = web.StreamResponse(status=upstream.status, headers={**headers, "X-Proxy": "lingo"})
    await response.prepare(request)
    async for piece in upstream.content.iter_any():
        await response.write(piece)
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response
