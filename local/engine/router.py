"""What kube-proxy does, on the host's loopback: a Service's address reaches its Ready endpoints.

Every Service that selects pods with an engine gets one local port per Service port. An endpoint is chosen round robin
for each connection, and a connection stays with its endpoint, as with kube-proxy: a new pod only gets new connections.
NetworkPolicy is NOT enforced: callers have no pod identity here.

Where no endpoint is ready a connection would be refused; a gateway in front answers 503 with Retry-After and counts it.
That counter lives while no pod does, so it can wake a model from zero replicas: the admin port shows it at /metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from local.engine.endpoints import ServiceBackend, backends
from local.engine.engine import Engine, EngineState
from local.engine.fleet import EngineFleet
from local.engine.forward import Forward
from local.engine.openai_api import handle, refused
from local.engine.ports import HOST, PortBook, write_json
from local.vllm_cpu.real_fleet import RealFleet

RETRY_AFTER_SECONDS = 5
# How long vLLM leaves an idle connection open (VLLM_HTTP_TIMEOUT_KEEP_ALIVE, envs.py of 0.32.0).
KEEP_ALIVE_SECONDS = 5
UNSERVED = "router_requests_unserved_total"
SETTLE_SECONDS = 0.05  # changes within this time are taken together
PortKey = tuple[str, str, str]  # namespace, service, port name ("" for an unnamed port)


@dataclass
class Listener:
    """An open local port of a Service port."""

    service_port: int
    port: int
    server: asyncio.Server
    http: web.Server
    turn: int = 0
    pinned: weakref.WeakKeyDictionary[asyncio.BaseTransport, ServiceBackend] = field(
        default_factory=weakref.WeakKeyDictionary
    )


def _try_later(engine: Engine | None, why: str) -> web.Response:
    """Nothing of the request was begun, so that the caller may send it again."""
    answer = refused(engine, why)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


class Proxies(Protocol):
    """Pods that stand before servers and answer for them: a backend's own routers (operators/doors.py)."""

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event of any pod, after the fleet has."""

    def labels(self) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Namespace and labels of each."""

    def has(self, namespace: str, name: str) -> bool:
        """Whether it is one of them, and takes connections."""

    async def answer(self, request: web.BaseRequest, namespace: str, name: str) -> web.StreamResponse:
        """What it answers."""


class Router:
    """Listeners for Services, kept in step with the cluster; `services.json` names them."""

    def __init__(
        self,
        fleet: EngineFleet | RealFleet,
        directory: Path,
        ports: tuple[int, int],
        log: Callable[[str], None],
        proxies: Sequence[Proxies] = (),
    ) -> None:
        self._fleet, self._proxies = fleet, proxies
        self._file = directory / "services.json"
        self._book = PortBook(directory / "ports.json", *ports)
        self._log = log
        self._services: dict[tuple[str, str], dict[str, Any]] = {}
        self._slices: dict[str, dict[str, Any]] = {}
        self._listeners: dict[PortKey, Listener] = {}
        self._changed = asyncio.Event()
        self._unserved: dict[tuple[str, str], int] = {}

    def on_service(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event of Services."""
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        if event == "DELETED":
            self._services.pop(key, None)
        else:
            self._services[key] = item
        self._changed.set()

    def on_slice(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event of EndpointSlices; routing reads them at each connection."""
        if event == "DELETED":
            self._slices.pop(item["metadata"]["uid"], None)
        else:
            self._slices[item["metadata"]["uid"]] = item

    def pods_changed(self) -> None:
        """A pod appeared: its Service may need a listener."""
        self._changed.set()

    async def run(self) -> None:
        """Opens and closes listeners forever; the first time whatever there is, so that `services.json` appears."""
        while True:
            self._changed.clear()
            await self.reconcile()
            await self._changed.wait()
            await asyncio.sleep(SETTLE_SECONDS)

    def _wanted(self) -> dict[PortKey, int]:
        labels: dict[str, list[frozenset[tuple[str, str]]]] = {}
        for member in self._fleet.members.values():
            labels.setdefault(member.pod.namespace, []).append(frozenset(member.pod.labels.items()))
        for proxies in self._proxies:
            for namespace, of_pod in proxies.labels():
                labels.setdefault(namespace, []).append(frozenset(of_pod.items()))
        pods_by_port: dict[PortKey, int] = {}
        for (namespace, name), service in self._services.items():
            selector = set((service["spec"].get("selector") or {}).items())
            if not selector:
                continue
            ports = {(namespace, name, p.get("name") or ""): p["port"] for p in service["spec"].get("ports") or []}
            selects = any(selector <= pod for pod in set(labels.get(namespace, [])))
            # a Service keeps its address while it has no pods
            pods_by_port |= {key: port for key, port in ports.items() if selects or key in self._listeners}
        return pods_by_port

    async def reconcile(self) -> None:
        """Makes listeners equal to what the cluster asks for and writes `services.json`."""
        ports = self._wanted()
        for key in [key for key in self._listeners if key not in ports]:
            await self._close(self._listeners.pop(key))
            self._log(f"INFO (simulated) Service {'/'.join(key[:2])} is gone, its local port is closed")
        for key, service_port in sorted(ports.items()):
            if key in self._listeners:
                self._listeners[key].service_port = service_port
                continue
            try:
                self._listeners[key] = await self._open(key, service_port)
            except OSError as error:
                self._log(f"ERROR no local port for Service {'/'.join(key[:2])}: {error}")
        write_json(self._file, self.addresses())

    def addresses(self) -> list[dict[str, Any]]:
        """What `services.json` holds: `port` is the local one, `service_port` the Service's own."""
        return [
            {
                "namespace": namespace,
                "name": name,
                "port_name": port_name,
                "port": listener.port,
                "service_port": listener.service_port,
                "url": f"http://{HOST}:{listener.port}",
            }
            for (namespace, name, port_name), listener in sorted(self._listeners.items())
        ]

    async def _open(self, key: PortKey, service_port: int) -> Listener:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(key, request)

        self._unserved.setdefault(key[:2], 0)
        http = web.Server(answer, handler_cancellation=True, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
        server, port = await self._book.listen("/".join(key), lambda: self._protocol(key, http))
        self._log(f"INFO (simulated) Service {'/'.join(key[:2])}:{service_port} is at http://{HOST}:{port}")
        return Listener(service_port, port, server, http)

    def _protocol(self, key: PortKey, http: web.Server) -> asyncio.BaseProtocol:
        """Who takes a connection: a real engine's process; else the router, for a simulated engine or a closed port."""
        if isinstance(self._fleet, EngineFleet):
            return http()
        candidates = self._backends(key)
        if not candidates:
            return http()
        listener = self._listeners[key]
        listener.turn += 1
        chosen = candidates[(listener.turn - 1) % len(candidates)]
        return Forward(self._fleet.local_port(chosen.namespace, chosen.pod, chosen.port))

    async def _close(self, listener: Listener) -> None:
        listener.server.close()
        await listener.http.shutdown(timeout=1)

    async def close(self) -> None:
        """Closes all ports; their numbers stay remembered."""
        for listener in self._listeners.values():
            with contextlib.suppress(OSError):
                await self._close(listener)
        self._listeners.clear()

    def exposition(self) -> str:
        """Prometheus text: requests that found no ready endpoint, from 0 on for every Service with an address."""
        lines = [
            f"# HELP {UNSERVED} Requests answered 503 + Retry-After because no endpoint was ready (simulated gateway).",
            f"# TYPE {UNSERVED} counter",
        ]
        for (namespace, service), count in sorted(self._unserved.items()):
            lines.append(f'{UNSERVED}{{namespace="{namespace}",service="{service}"}} {count}')
        return "\n".join(lines) + "\n"

    def _backends(self, key: PortKey) -> list[ServiceBackend]:
        namespace, name, port_name = key
        slices = [
            item
            for item in self._slices.values()
            if item["metadata"]["namespace"] == namespace
            and (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name
        ]
        return backends(slices, port_name)

    def _listens(self, backend: ServiceBackend) -> bool:
        """Whether its HTTP server takes connections: vLLM's does until its drain is over."""
        if self._proxy(backend) is not None:
            return True
        engine = self._simulated(backend)
        return engine is not None and engine.state in (EngineState.SERVING, EngineState.DRAINING)

    def _proxy(self, backend: ServiceBackend) -> Proxies | None:
        return next((each for each in self._proxies if each.has(backend.namespace, backend.pod)), None)

    def _simulated(self, backend: ServiceBackend) -> Engine | None:
        return self._fleet.engine(backend.namespace, backend.pod) if isinstance(self._fleet, EngineFleet) else None

    def _choose(self, key: PortKey, listener: Listener) -> ServiceBackend | None:
        """The next endpoint in turn; one that would refuse the connection only where all would.

        kube-proxy does not ask; here endpoints and engines are told of by two watches, and one may be ahead.
        """
        candidates = self._backends(key)
        listening = [backend for backend in candidates if self._listens(backend)] or candidates
        if not listening:
            return None
        listener.turn += 1
        return listening[(listener.turn - 1) % len(listening)]

    async def _answer(self, key: PortKey, request: web.BaseRequest) -> web.StreamResponse:
        listener = self._listeners[key]
        transport = request.transport
        chosen = listener.pinned.get(transport) if transport is not None else None
        if chosen is not None and not self._listens(chosen):
            # Its process is gone, and the connection with it: a client sees it close, and opens another one.
            assert transport is not None
            transport.close()
            return _try_later(self._simulated(chosen), f"pod {chosen.pod} is gone")
        if chosen is None:
            chosen = self._choose(key, listener)
            if chosen is None:
                self._unserved[key[:2]] = self._unserved.get(key[:2], 0) + 1
                return _try_later(None, f"Service {'/'.join(key[:2])} has no ready endpoint")
            if transport is not None:
                listener.pinned[transport] = chosen
        proxy = self._proxy(chosen)
        if proxy is not None:
            return await proxy.answer(request, chosen.namespace, chosen.pod)
        engine = self._simulated(chosen)
        if engine is None or engine.state not in (EngineState.SERVING, EngineState.DRAINING):
            state = f"is {engine.state}" if engine else "runs no simulated engine"
            return _try_later(engine, f"pod {chosen.namespace}/{chosen.pod} {state}")
        listening = engine.config.arguments.port
        if listening != chosen.port:
            return refused(
                engine, f"the engine of {chosen.pod} listens on {listening}, the Service targets {chosen.port}"
            )
        return await handle(engine, request, request.path)
