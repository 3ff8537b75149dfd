"""One pod of KubeAI: its configuration, its API, its autoscaler (internal/manager/run.go)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import yaml

from local.engine.operators.kubeai.autoscaler import Autoscaler, seeds_of
from local.engine.operators.kubeai.pod import System
from local.engine.operators.kubeai.proxy import Proxy
from local.engine.operators.kubeai.system import system_of
from local.engine.operators.needs import ControllerApi

CONTAINER, COMMAND = "kubeai", ["/app/manager"]
# load_balancer.go: the pods whose series its autoscaler adds up.
SELF = {"app.kubernetes.io/name": "kubeai"}
CONFIG_VOLUME, CONFIG_FILE = "config", "system.yaml"

Object = dict[str, Any]


def is_manager(item: Mapping[str, Any]) -> bool:
    """Whether a pod runs KubeAI."""
    containers = (item.get("spec") or {}).get("containers") or []
    return any(each.get("name") == CONTAINER and each.get("command") == COMMAND for each in containers)


class NotStarted(Exception):
    """Why its process ended at once."""


class Manager:
    """A pod of it; `system` and `scaler` are what it read at its start: nothing is read again."""

    def __init__(self, item: Object, proxy: Proxy) -> None:
        self.name, self.namespace = item["metadata"]["name"], item["metadata"]["namespace"]
        self.labels: Mapping[str, str] = item["metadata"].get("labels") or {}
        self.proxy = proxy
        self.runs = False
        self.ended = asyncio.Event()
        self.system: System | None = None
        self.scaler: Autoscaler | None = None
        self._volumes = item["spec"].get("volumes") or []

    @property
    def serves(self) -> bool:
        """Whether its API takes connections."""
        return self.runs and self.system is not None and not self.ended.is_set()

    async def start(self, api: ControllerApi) -> None:
        """Reads its configuration and the last means. Raises NotStarted, where the process would end."""
        folder = f"/api/v1/namespaces/{self.namespace}/configmaps"
        mounted = [each["configMap"]["name"] for each in self._volumes if each["name"] == CONFIG_VOLUME]
        config = await api.get(f"{folder}/{mounted[0]}") if mounted else None
        try:
            written = yaml.safe_load((config or {})["data"][CONFIG_FILE])
            system = system_of(written)
            state = await api.get(f"{folder}/{system.state}")
            if state is None:
                raise NotStarted(f"loading last state of models: get ConfigMap {system.state}: not found")
            self.scaler = Autoscaler(system, seeds_of(state))
            self.system = system
        except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            raise NotStarted(f"invalid config: {error!r}") from error

    def leave(self) -> None:
        """SIGTERM: it ends, and with it every request that it has."""
        if not self.ended.is_set():
            self.ended.set()
            self.proxy.stop()
