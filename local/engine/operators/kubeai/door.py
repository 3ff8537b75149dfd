"""KubeAI for the engine process: its releases by namespace, and what answers for their pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from local.engine.operators.kubeai.manager import is_manager
from local.engine.operators.kubeai.pod import MODEL_LABEL
from local.engine.operators.kubeai.release import Release
from local.engine.operators.needs import ControllerApi, PodAddresses


class KubeaiReleases:
    """All releases of the platform."""

    def __init__(self, api: ControllerApi, ports: PodAddresses, log: Callable[[str], None]) -> None:
        self._api, self._ports, self._log = api, ports, log
        self._releases: dict[str, Release] = {}

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event: of its own pods, and of those that have a Model's label."""
        namespace = item["metadata"]["namespace"]
        if is_manager(item):
            self.release(namespace).on_pod(event, item)
        elif MODEL_LABEL in (item["metadata"].get("labels") or {}):
            self.release(namespace).controller.on_pod(event, item)

    def release(self, namespace: str) -> Release:
        """That of a namespace; without pods until one is told of."""
        if namespace not in self._releases:
            self._releases[namespace] = Release(namespace, self._api, self._ports, self._log)
        return self._releases[namespace]

    def labels(self) -> list[tuple[str, Mapping[str, str]]]:
        """Namespace and labels of each of its pods."""
        return [
            (namespace, manager.labels)
            for namespace, release in self._releases.items()
            for manager in release.managers.values()
        ]

    def has(self, namespace: str, name: str) -> bool:
        """Whether it is a pod of it that takes connections."""
        manager = self._releases[namespace].managers.get(name) if namespace in self._releases else None
        return manager is not None and manager.serves

    async def answer(self, request: web.BaseRequest, namespace: str, name: str) -> web.StreamResponse:
        """What the API of that pod answers."""
        return await self._releases[namespace].managers[name].proxy.answer(request)
