"""A cluster of a dictionary with KubeAI's stand-in in it, for its tests: API server, kubelet, garbage collector."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from local.engine.fleet import EngineFleet
from local.engine.operators.kubeai.controller import Controller
from local.engine.operators.kubeai.door import KubeaiReleases
from local.engine.pod_ports import PodPorts
from tests.components.rendered import kubeai_config

Object = dict[str, Any]
PODS, CONFIG_MAPS = "/api/v1/namespaces/models/pods", "/api/v1/namespaces/models/configmaps"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/models/leases"
QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}


def manager_pod(name: str, **metadata: Any) -> Object:
    """One of KubeAI's own, Ready, as its chart's Deployment makes it."""
    labels = {"app.kubernetes.io/name": "kubeai", "app.kubernetes.io/instance": "kubeai"}
    return {
        "metadata": {"namespace": "models", "name": name, "uid": name, "labels": labels, **metadata},
        "spec": {
            "containers": [{"name": "kubeai", "command": ["/app/manager"]}],
            "volumes": [{"name": "config", "configMap": {"name": "kubeai-config"}}],
        },
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


class Cluster:
    """What a Model's life needs of one."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.fleet = EngineFleet(self, lambda _: lambda _: None, speed=1000.0)
        ports = PodPorts(self.fleet, folder, lambda _: None)
        self.releases = KubeaiReleases(self, ports, self.said.append)
        self.objects: dict[str, Object] = {
            f"{CONFIG_MAPS}/kubeai-config": {"data": {"system.yaml": yaml.safe_dump(kubeai_config())}},
            f"{CONFIG_MAPS}/kubeai-autoscaler-state": {},
        }
        self.controller.settle_seconds = 0.0
        self.numbers = itertools.count(1)
        self.proxy = ""

    @property
    def controller(self) -> Controller:
        return self.releases.release("models").controller

    @property
    def pods(self) -> list[Object]:
        return [each for path, each in self.objects.items() if path.startswith(f"{PODS}/")]

    def model(self, name: str) -> Object:
        return self.objects[self.controller.path_of(name)]

    def start_manager(self, name: str) -> None:
        self.proxy = self.proxy or name
        self.releases.on_pod("ADDED", manager_pod(name))

    def end_manager(self, name: str) -> None:
        self.releases.on_pod("MODIFIED", manager_pod(name, deletionTimestamp="2026-11-28T00:00:00Z"))

    def _tell(self, event: str, pod: Object) -> None:
        self.fleet.on_pod(event, deepcopy(pod))
        self.releases.on_pod(event, deepcopy(pod))

    async def get(self, path: str) -> Object | None:
        return self.objects.get(path)

    async def follow(self, path: str, on_event: Callable[[str, Object], None], log: Callable[[str], None]) -> None:
        for there, each in self.objects.items():
            if there.startswith(f"{path}/"):
                on_event("ADDED", deepcopy(each))
        await asyncio.Event().wait()

    async def create(self, path: str, body: Object, manager: str) -> None:
        made, number = deepcopy(body), next(self.numbers)
        made["metadata"].setdefault("name", f"{made['metadata'].get('generateName', '')}{number:05d}")
        made["metadata"]["uid"] = str(number)
        self.objects[f"{path}/{made['metadata']['name']}"] = made
        if path == PODS:
            made["spec"]["nodeName"] = "node"
            made["status"] = {"podIP": f"10.0.0.{number}", "phase": "Pending", "conditions": []}
            self._tell("ADDED", made)

    async def merge(self, path: str, patch: Object, manager: str) -> bool:
        there = self.objects.get(path.removesuffix("/status").removesuffix("/scale"))
        if there is None:
            return False
        _merge(there, patch)
        if path.split("/")[-2] == "models" or path.endswith(("/scale", "/status")):
            self.controller.on_model("MODIFIED", deepcopy(there))
        return True

    async def delete(self, path: str) -> None:
        there = self.objects.get(path)
        if there is not None and path.startswith(f"{PODS}/"):
            there["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
            self._tell("MODIFIED", there)
        else:
            self.objects.pop(path, None)

    async def patch_status(self, path: str, patch: Object) -> bool:
        raise AssertionError(f"vLLM would not start: {patch}")

    async def delete_now(self, path: str, uid: str) -> None:
        gone = self.objects.pop(path)
        self._tell("DELETED", gone)

    def starts(self) -> None:
        """What a kubelet does: every pod that does not leave runs and is Ready."""
        for pod in self.pods:
            container = {"name": "server", "ready": True, "started": True, "state": {"running": {}}}
            pod["status"] |= {"phase": "Running", "containerStatuses": [container]}
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
            self._tell("MODIFIED", pod)

    def apply(self, manifest: Object) -> None:
        """As an update of the stack: what it does not write stays; the definition's defaults are there."""
        path = self.controller.path_of(manifest["metadata"]["name"])
        there = self.objects.get(path, {"metadata": {"uid": "m"}, "spec": {}})
        spec = {**there["spec"], **manifest["spec"]}
        hashed = {"meanLoadFactor": 125, "replication": 256, "prefixCharLength": 100}
        balancing = spec["loadBalancing"]
        spec["loadBalancing"] = {**balancing, "prefixHash": {**hashed, **balancing["prefixHash"]}}
        self.objects[path] = {**manifest, "metadata": {**there["metadata"], **manifest["metadata"]}, "spec": spec}
        self.controller.on_model("MODIFIED", deepcopy(self.objects[path]))

    def destroy(self, name: str) -> None:
        """It has no finalizer; its pods and ConfigMap go with their owner."""
        gone = self.objects.pop(self.controller.path_of(name))
        self.controller.on_model("DELETED", gone)
        for path, each in list(self.objects.items()):
            if any(owner["uid"] == "m" for owner in each.get("metadata", {}).get("ownerReferences", ())):
                del self.objects[path]
                if path.startswith(f"{PODS}/"):
                    self._tell("DELETED", each)


def _merge(there: Object, patch: Object) -> None:
    """RFC 7396."""
    for key, value in patch.items():
        if value is None:
            there.pop(key, None)
        elif isinstance(value, dict):
            there[key] = there.get(key) or {}
            _merge(there[key], value)
        else:
            there[key] = value


@asynccontextmanager
async def cluster(folder: Path, *managers: str) -> AsyncIterator[tuple[Cluster, str]]:
    """With these pods of KubeAI, and the address of the first one's API."""
    there = Cluster(folder)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await there.releases.answer(request, "models", there.proxy)

    server = await asyncio.get_running_loop().create_server(
        web.Server(answer, handler_cancellation=True), "127.0.0.1", 0
    )
    for name in managers or ("kubeai-0",):
        there.start_manager(name)
    await until(lambda: there.releases.has("models", there.proxy))
    try:
        yield there, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for name in list(there.releases.release("models").managers):
            there.end_manager(name)
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def ask(url: str, model: str, **more: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(f"{url}/openai/v1/chat/completions", json={**QUESTION, "model": model, **more}) as answer,
    ):
        return answer.status, await answer.json(content_type=None)
