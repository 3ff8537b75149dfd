"""A Model as we render it, from nothing to its end: pods, a request that is held at zero, a changed flag, a destroy.

The stand-in's controller and proxy, the simulated engines of its pods, and an API server of a dictionary.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from components.serving.backends import BACKENDS
from local.engine.fleet import EngineFleet
from local.engine.operators.kubeai.controller import Controller
from local.engine.operators.kubeai.proxy import Proxy
from local.engine.pod_ports import PodPorts
from planning.model import ServedModel
from tests.components.plans import KEDA_MODEL, TEMPLATE_MODEL, on
from tests.components.rendered import kubeai_system

Object = dict[str, Any]
PODS = "/api/v1/namespaces/models/pods"
QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}


class Cluster:
    """The API server, the kubelet and the garbage collector, as far as a Model's life needs them."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.numbers = itertools.count(1)
        self.controller = Controller(self, "models", kubeai_system(), lambda _: None)
        self.fleet = EngineFleet(self, lambda _: lambda _: None, speed=1000.0)

    @property
    def pods(self) -> list[Object]:
        return [each for path, each in self.objects.items() if path.startswith(f"{PODS}/")]

    def _tell(self, event: str, pod: Object) -> None:
        self.controller.on_pod(event, deepcopy(pod))
        self.fleet.on_pod(event, deepcopy(pod))

    async def get(self, path: str) -> Object | None:
        return self.objects.get(path)

    async def create(self, path: str, body: Object) -> None:
        made, number = deepcopy(body), next(self.numbers)
        made["metadata"].setdefault("name", f"{made['metadata'].get('generateName', '')}{number:05d}")
        made["metadata"]["uid"] = str(number)
        self.objects[f"{path}/{made['metadata']['name']}"] = made
        if path == PODS:
            made["spec"]["nodeName"] = "node"
            made["status"] = {"podIP": f"10.0.0.{number}", "phase": "Pending", "conditions": []}
            self._tell("ADDED", made)

    async def merge(self, path: str, patch: Object) -> bool:
        model = self.objects.get(path.removesuffix("/status").removesuffix("/scale"))
        if model is None:
            return False
        for part, value in patch.items():
            merged = {**model.get(part, {}), **value}
            if part == "metadata":
                merged = {**model[part], "labels": {**model[part].get("labels", {}), **value["labels"]}}
            model[part] = merged
        if path.split("/")[-2] == "models" or path.endswith(("/scale", "/status")):
            self.controller.on_model("MODIFIED", deepcopy(model))
        return True

    async def delete(self, path: str) -> None:
        found = self.objects.get(path)
        if found is not None and path.startswith(f"{PODS}/"):
            found["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
            self._tell("MODIFIED", found)
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
        """As an update of the stack: what it does not write stays."""
        path = self.controller.path_of(manifest["metadata"]["name"])
        there = self.objects.get(path, {"metadata": {"uid": "m"}, "spec": {}})
        spec = {**there["spec"], **manifest["spec"]}
        self.objects[path] = {**manifest, "metadata": {**there["metadata"], **manifest["metadata"]}, "spec": spec}
        self.controller.on_model("MODIFIED", deepcopy(self.objects[path]))

    def destroy(self, name: str) -> None:
        """It has no finalizer; its pods and ConfigMap go with their owner."""
        gone = self.objects.pop(self.controller.path_of(name))
        self.controller.on_model("DELETED", gone)
        for path, each in list(self.objects.items()):
            if any(owner["uid"] == "m" for owner in each["metadata"].get("ownerReferences", ())):
                del self.objects[path]
                if path.startswith(f"{PODS}/"):
                    self._tell("DELETED", each)


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[Cluster, str]]:
    """With the address of its proxy."""
    there = Cluster()
    ports = PodPorts(there.fleet, folder, lambda _: None)
    async with aiohttp.ClientSession(trust_env=False) as session:
        proxy = Proxy(there.controller, ports.of, session)
        server = await asyncio.get_running_loop().create_server(web.Server(proxy.answer), "127.0.0.1", 0)
        running = asyncio.create_task(there.controller.run(settle_seconds=0))
        try:
            yield there, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            running.cancel()
            server.close()
            await asyncio.gather(running, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def ask(url: str, model: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(f"{url}/openai/v1/chat/completions", json={**QUESTION, "model": model}) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def rendered(model: ServedModel) -> Object:
    return BACKENDS["kubeai"].manifest(on(model, "kubeai"), "vllm-model")


ASLEEP = {**rendered(KEDA_MODEL)}
NAME = ASLEEP["metadata"]["name"]
ASLEEP["spec"]["args"] = ["--model=Qwen/Qwen2.5-7B-Instruct", "--max-model-len=2048"]


def test_a_request_wakes_a_model_and_is_held_until_a_server_is_ready(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, url):
            there.apply(ASLEEP)
            await until(lambda: "replicas" in there.objects[there.controller.path_of(NAME)]["spec"])
            assert there.pods == []
            held = asyncio.create_task(ask(url, NAME))
            await until(lambda: len(there.pods) == 1)
            assert not held.done(), "nothing is Ready"
            there.starts()
            status, answer = await held
            assert (status, answer["model"]) == (200, NAME), answer
            (pod,) = there.pods
            assert pod["metadata"]["ownerReferences"][0]["kind"] == "Model"
            assert (await ask(url, "another"))[0] == 404
            assert there.objects[there.controller.path_of(NAME)]["status"]["replicas"] == {"all": 1, "ready": 1}

    asyncio.run(scene())


def test_a_changed_flag_replaces_the_pods_and_a_destroy_leaves_none(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, url):
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1}})
            await until(lambda: len(there.pods) == 1)
            there.starts()
            assert (await ask(url, NAME))[0] == 200
            changed = [*ASLEEP["spec"]["args"], "--max-num-seqs=32"]
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1, "args": changed}})

            def is_new() -> bool:
                there.starts()
                return [pod["spec"]["containers"][0]["args"][-1] for pod in there.pods] == ["--max-num-seqs=32"]

            await until(is_new)
            assert (await ask(url, NAME))[0] == 200
            there.destroy(NAME)
            assert there.pods == []
            assert (await ask(url, NAME))[0] == 404

    asyncio.run(scene())


def test_its_chat_template_is_a_file_of_its_own_config_map_that_goes_with_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, _):
            manifest = rendered(TEMPLATE_MODEL)
            name = manifest["metadata"]["name"]
            there.apply(manifest)
            path = f"/api/v1/namespaces/models/configmaps/model-{name}-files"
            await until(lambda: path in there.objects)
            assert list(there.objects[path]["data"].values()) == [TEMPLATE_MODEL.chat_template]
            there.destroy(name)
            assert path not in there.objects

    asyncio.run(scene())


@pytest.mark.parametrize("broken", ["resourceProfile", "url"])
def test_a_model_that_kubeai_makes_no_pods_of_gets_none_here(tmp_path: Path, broken: str) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, _):
            wrong = {"resourceProfile": "nobody:1", "url": "hf://a/b"}[broken]
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1, broken: wrong}})
            await until(lambda: there.objects[there.controller.path_of(NAME)].get("status") is not None)
            assert await there.controller.reconcile(NAME) is False
            assert there.pods == []

    asyncio.run(scene())
