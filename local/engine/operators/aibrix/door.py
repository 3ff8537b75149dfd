"""AIBrix for the engine process: it runs while pods of its control plane do (`local/manifests/aibrix.yaml`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from local.engine.operators.aibrix.gateway import AibrixGateway, AibrixView
from local.engine.operators.aibrix.model_router import DEPLOYMENTS, ROUTES, ModelRouter
from local.engine.operators.aibrix.names import (
    COMPONENT,
    CONTROLLER,
    METADATA,
    MODEL,
    NAMESPACE,
    OWNER,
    PLUGIN,
    Object,
    is_ready,
    labels_of,
)
from local.engine.operators.needs import ControllerApi, PodAddresses
from local.engine.operators.passing import session

GRANTS = "/apis/gateway.networking.k8s.io/v1beta1/referencegrants"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


class AibrixControlPlane:
    """The one installation of a cluster."""

    def __init__(self, api: ControllerApi, ports: PodAddresses, log: Callable[[str], None]) -> None:
        self._api, self._ports, self._log = api, ports, log
        self._told = AibrixView()
        self._own: dict[tuple[str, str], Object] = {}
        self._gateway: AibrixGateway | None = None
        self._session: aiohttp.ClientSession | None = None
        self._controls: dict[tuple[str, str], list[asyncio.Task[None]]] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event: of its own pods, and of those with a model's label."""
        labels, key = labels_of(item), (item["metadata"]["namespace"], item["metadata"]["name"])
        if MODEL in labels or key in self._told.pods:
            self._keep(self._told.pods, event, key, item if MODEL in labels else None)
        is_control = key[0] == NAMESPACE and labels.get(COMPONENT) in (CONTROLLER, PLUGIN, METADATA)
        if is_control or _is_proxy(labels):
            self._keep(self._own, event, key, item)
            self._follow_own()

    @staticmethod
    def _keep(kept: dict[tuple[str, str], Object], event: str, key: tuple[str, str], item: Object | None) -> None:
        if event == "DELETED" or item is None:
            kept.pop(key, None)
        else:
            kept[key] = item

    def _runs(self, component: str) -> bool:
        return any(labels_of(each).get(COMPONENT) == component and is_ready(each) for each in self._own.values())

    def _follow_own(self) -> None:
        self._follow_controllers()
        self._follow_proxies()

    def _follow_controllers(self) -> None:
        """One process in each pod, which is told of all that is there when it begins.

        The router's handlers go by no lease: each process has them (cmd/controllers/main.go, setupControllers).
        """
        running = {
            key for key, each in self._own.items() if labels_of(each).get(COMPONENT) == CONTROLLER and is_ready(each)
        }
        for key in self._controls.keys() - running:
            _cancelled(self._controls.pop(key))
        for key in running - self._controls.keys():
            router = ModelRouter(self._api, lambda line: self._log(f"INFO (stand-in) aibrix: {line}"))
            events: asyncio.Queue[tuple[str, Object]] = asyncio.Queue()
            self._controls[key] = [
                self._spawn(self._api.follow(DEPLOYMENTS, _into(events), self._log)),
                self._spawn(self._route(events, router.on_deployment)),
            ]

    def _follow_proxies(self) -> None:
        proxies = any(map(_is_proxy, map(labels_of, self._own.values())))
        if proxies and self._gateway is None:
            self._session = session()
            self._gateway = AibrixGateway(self._told, self._ports, self._session)
            told = ((ROUTES, self._on_route), (GRANTS, self._on_grant), (SLICES, self._on_slice))
            self._watches = [self._spawn(self._api.follow(path, on_event, self._log)) for path, on_event in told]
        elif not proxies and self._gateway is not None:
            self._watches = _cancelled(self._watches)
            self._gateway = None
            self._told.routes.clear()
            if self._session is not None:
                self._spawn(self._session.close())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log(f"ERROR (stand-in) aibrix: {error!r}")

    async def _route(
        self, events: asyncio.Queue[tuple[str, Object]], act: Callable[[str, Object], Awaitable[None]]
    ) -> None:
        """One event after another. One that fails is said, and lost, as there (createHTTPRoute logs and returns)."""
        while True:
            event, item = await events.get()
            try:
                await act(event, item)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self._log(f"ERROR (stand-in) aibrix: {error}")

    def _on_route(self, event: str, item: Object) -> None:
        name = item["metadata"]["name"]
        if event == "DELETED":
            self._told.routes.pop(name, None)
        else:
            self._told.routes[name] = item

    def _on_grant(self, event: str, item: Object) -> None:
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        (self._told.grants.discard if event == "DELETED" else self._told.grants.add)(key)

    def _on_slice(self, event: str, item: Object) -> None:
        if event == "DELETED":
            self._told.slices.pop(item["metadata"]["uid"], None)
        else:
            self._told.slices[item["metadata"]["uid"]] = item

    def labels(self) -> list[tuple[str, Mapping[str, str]]]:
        """Namespace and labels of each proxy."""
        return [(key[0], labels_of(each)) for key, each in self._own.items() if _is_proxy(labels_of(each))]

    def has(self, namespace: str, name: str) -> bool:
        """Whether it is a proxy of its Gateway, and takes connections."""
        pod = self._own.get((namespace, name))
        return pod is not None and _is_proxy(labels_of(pod)) and is_ready(pod)

    async def answer(self, request: web.BaseRequest, namespace: str, name: str) -> web.StreamResponse:
        """What the proxy answers."""
        assert self._gateway is not None
        return await self._gateway.answer(request, self._runs(PLUGIN), self._runs(METADATA))


def _is_proxy(labels: Mapping[str, str]) -> bool:
    return OWNER.items() <= labels.items()


def _into(events: asyncio.Queue[tuple[str, Object]]) -> Callable[[str, Object], None]:
    return lambda event, item: events.put_nowait((event, item))


def _cancelled(tasks: list[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    for task in tasks:
        task.cancel()
    return []
