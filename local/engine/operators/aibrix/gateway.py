"""What stands for the Envoy of AIBrix' Gateway: its routes, and the plugin that it asks (dist/chart/templates).

Routes in Envoy's order: by the header that names an algorithm to the pod that the plugin chose; by a model's name in
the header `model` to its Service; the chart's paths, of which the plugin finds the model. Plain HTTP, without keys.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from local.engine.endpoints import backends
from local.engine.operators.aibrix.model_router import grant_name
from local.engine.operators.aibrix.names import MODEL, REQUEST_SECONDS, Object, labels_of, port_of
from local.engine.operators.aibrix.plugin import (
    ROUTING_HEADER,
    STRATEGY,
    PluginRefusal,
    model_of,
    ready_servers,
    strategy_of,
)
from local.engine.operators.needs import PodAddresses
from local.engine.operators.passing import copied, passed_on

# gateway-plugin/httproute.yaml: those of which the plugin is asked, and those of the metadata service.
ASKED = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/images/generations", "/v1/video/generations",
    "/v1/rerank", "/v1/classify",
)  # fmt: skip
METADATA_PATHS = ("/v1/models", "/v1/files", "/v1/batches")
# gateway.go, defaultHTTPRouteCacheTTL.
ROUTE_CACHE_SECONDS = 30.0
TARGET = "target-pod"


@dataclass
class AibrixView:
    """What the watches have told of the cluster."""

    pods: dict[tuple[str, str], Object] = field(default_factory=dict)
    routes: dict[str, Object] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)
    slices: dict[str, Object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Target:
    address: str
    headers: Mapping[str, str]
    pod: str


class AibrixGateway:
    """Its proxies; `in_flight`: requests by pod, as the plugin counts them."""

    def __init__(self, told: AibrixView, ports: PodAddresses, session: aiohttp.ClientSession) -> None:
        self.in_flight: Counter[str] = Counter()
        self._told, self._ports, self._session = told, ports, session
        self._checked: dict[str, tuple[float, str]] = {}

    async def answer(self, request: web.BaseRequest, has_plugin: bool, has_metadata: bool) -> web.StreamResponse:
        """One request of a client; `has_plugin`, `has_metadata`: whether these run."""
        if _below(request.path, METADATA_PATHS) and STRATEGY not in request.headers:
            return self._metadata(request) if has_metadata else _plain(503, "no healthy upstream")
        body = await request.read()
        by_header = request.headers.get("model", "")
        if STRATEGY not in request.headers and self._matches(by_header, request.path):
            return await self._through_service(request, by_header, body, {})
        if STRATEGY not in request.headers and not _below(request.path, ASKED):
            return _plain(404, "")
        if not has_plugin:
            return _plain(500, "")  # failOpen: false
        number = request.headers.get("traceparent") or str(uuid.uuid4())
        told = {"x-went-into-req-headers": "true", "request-id": number}
        try:
            model = model_of(request.raw_path if isinstance(request, web.Request) else request.path_qs, body)
            servers = ready_servers(model, list(self._told.pods.values()))
            strategy = strategy_of(request.headers)
            if strategy:
                return await self._to_pod(request, self._chosen(servers, strategy), body, told)
            self._check_route(model)
        except PluginRefusal as refusal:
            return web.json_response(refusal.body, status=refusal.status, headers=dict([refusal.header]))
        if STRATEGY in request.headers:  # an empty one: the plugin names no pod for the route of the pods
            return _plain(503, "no healthy upstream")
        return await self._through_service(request, model, body, told)

    def _metadata(self, request: web.BaseRequest) -> web.Response:
        """metadata/api/v1/models.py: models of running pods, whether they are Ready or not."""
        if request.path.rstrip("/") != "/v1/models":
            return _plain(501, "the stand-in of AIBrix has no files and no batches")
        running = (pod for pod in self._told.pods.values() if (pod.get("status") or {}).get("phase") == "Running")
        names = sorted({labels_of(pod)[MODEL] for pod in running})
        cards = [{"id": name, "created": 0, "object": "model", "owned_by": "aibrix"} for name in names]
        return web.json_response({"object": "list", "data": cards})

    def _matches(self, model: str, path: str) -> bool:
        route = self._told.routes.get(f"{model}-router")
        if route is None:
            return False
        return any(
            _below(path, [match["path"]["value"]])
            and any(each["name"] == "model" and each["value"] == model for each in match.get("headers") or ())
            for rule in route["spec"]["rules"]
            for match in rule["matches"]
        )

    def _check_route(self, model: str) -> None:
        """validateHTTPRouteStatus; what was read is kept for half a minute, bad news too. Raises PluginRefusal."""
        now = time.monotonic()
        until, why = self._checked.get(model, (0.0, ""))
        if now >= until:
            why = self._wrong(model)
            self._checked[model] = (now + ROUTE_CACHE_SECONDS, why)
        if why:
            raise PluginRefusal(503, why, "service_unavailable", header=(ROUTING_HEADER, "true"))

    def _wrong(self, model: str) -> str:
        name = f"{model}-router"
        route = self._told.routes.get(name)
        if route is None:
            return f'httproutes.gateway.networking.k8s.io "{name}" not found'
        (reference,) = route["spec"]["rules"][0]["backendRefs"]
        if (reference["namespace"], grant_name(reference["namespace"])) not in self._told.grants:
            unresolved = "route's object references are not resolved: RefNotPermitted."
            return f"httproute: aibrix-system/{name}, {unresolved}"
        return ""

    def _chosen(self, servers: list[Object], strategy: str) -> _Target:
        """least-request by what it has sent; every other algorithm by chance, and the answer says so."""
        if strategy == "least-request":
            least = min(self.in_flight[pod["metadata"]["name"]] for pod in servers)
            servers = [pod for pod in servers if self.in_flight[pod["metadata"]["name"]] == least]
        pod = random.choice(servers)
        address = f"{pod['status']['podIP']}:{port_of(labels_of(pod))}"
        name = pod["metadata"]["name"]
        headers = {STRATEGY: strategy, TARGET: name, "target-pod-ip": address}
        if strategy not in ("least-request", "random"):
            headers["x-stand-in"] = "chosen by chance"
        return _Target(address, headers, name)

    async def _to_pod(
        self, request: web.BaseRequest, target: _Target, body: bytes, told: Mapping[str, str]
    ) -> web.StreamResponse:
        self.in_flight[target.pod] += 1
        try:
            return await self._forward(request, target.address, body, {**told, **target.headers})
        finally:
            self.in_flight[target.pod] -= 1

    async def _through_service(
        self, request: web.BaseRequest, model: str, body: bytes, told: Mapping[str, str]
    ) -> web.StreamResponse:
        """By the HTTPRoute's Service: Envoy knows its endpoints itself."""
        (reference,) = self._told.routes[f"{model}-router"]["spec"]["rules"][0]["backendRefs"]
        slices = [
            each
            for each in self._told.slices.values()
            if each["metadata"]["namespace"] == reference["namespace"]
            and labels_of(each).get("kubernetes.io/service-name") == reference["name"]
        ]
        names = {port.get("name") or "" for each in slices for port in each.get("ports") or ()}
        endpoints = [backend for name in sorted(names) for backend in backends(slices, name)]
        if not endpoints:
            return _plain(503, "no healthy upstream")
        chosen = random.choice(endpoints)
        pod = self._told.pods.get((chosen.namespace, chosen.pod)) or {}
        address = f"{(pod.get('status') or {}).get('podIP', '')}:{chosen.port}"
        return await self._forward(request, address, body, told)

    async def _forward(
        self, request: web.BaseRequest, address: str, body: bytes, more: Mapping[str, str]
    ) -> web.StreamResponse:
        """Whole within the route's time, streams too: one that is longer is cut."""
        port = await self._ports.of(address)
        if port is None:
            return _plain(503, "upstream connect error or disconnect/reset before headers")
        begun = False
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                upstream = await passed_on(self._session, request, port, request.path_qs, body)
                async with upstream:
                    if upstream.status in (500, 401) and "x-went-into-req-headers" in more:
                        return _masked(upstream.status, more)
                    begun = True
                    return await copied(request, upstream, more)
        except TimeoutError:
            if begun and request.transport is not None:
                request.transport.close()
            return _plain(504, "upstream request timeout")
        except aiohttp.ClientConnectionError:
            return _plain(503, "upstream connect error or disconnect/reset before headers")


def _masked(status: int, more: Mapping[str, str]) -> web.Response:
    """gateway.go, responseForResponseHeaderError."""
    message = "Internal server error" if status == 500 else "Incorrect API key provided"
    return web.json_response(PluginRefusal(status, message).body, status=status, headers=dict(more))


def _below(path: str, prefixes: tuple[str, ...] | list[str]) -> bool:
    """PathPrefix of the Gateway API: whole elements."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def _plain(status: int, text: str) -> web.Response:
    """Envoy's own answer."""
    return web.Response(status=status, text=text)
