"""AIBrix' stand-in: which Deployments get a route, what its gateway refuses, and where the rest goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from components.serving.backends import BACKENDS
from local.engine.fleet import EngineFleet
from local.engine.operators.aibrix import gateway as gateways
from local.engine.operators.aibrix.door import AibrixControlPlane
from local.engine.operators.aibrix.model_router import ModelRouter, grant, grant_name, route
from local.engine.operators.aibrix.plugin import PluginRefusal, model_of, strategy_of
from local.engine.pod_ports import PodPorts
from tests.components.plans import MODEL, on
from tests.conftest import REPO
from tests.local.engine.simulated import FakeApi, endpoint_slice, fleet, pod, run, settle
from tests.reference_data import custom_resource_validator

Object = dict[str, Any]
MANIFESTS = list(yaml.safe_load_all((REPO / "local" / "manifests" / "aibrix.yaml").read_text()))
LABELS = {"model.aibrix.ai/name": "qwen", "model.aibrix.ai/port": "8000"}


class Written:
    """An API server of a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.told: dict[tuple[str, str], Object] = {}
        self.followers: list[tuple[str, Callable[[str, Object], None]]] = []

    async def get(self, path: str) -> Object | None:
        return self.objects.get(path)

    async def create(self, path: str, body: Object, manager: str) -> None:
        made = {**body, "metadata": {**body["metadata"], "uid": body["metadata"]["name"]}}
        self.objects[f"{path}/{body['metadata']['name']}"] = made
        self.tell(path, "ADDED", made)

    async def merge(self, path: str, patch: Object, manager: str) -> bool:
        raise AssertionError(f"it changes nothing: {path}")

    async def delete(self, path: str) -> None:
        gone = self.objects.pop(path, None)
        if gone is not None:
            self.tell(path.rpartition("/")[0], "DELETED", gone)

    def tell(self, path: str, event: str, item: Object) -> None:
        kind = path.rpartition("/")[2]
        self.told[kind, item["metadata"]["name"]] = item
        if event == "DELETED":
            del self.told[kind, item["metadata"]["name"]]
        for followed, on_event in list(self.followers):
            if followed.endswith(f"/{kind}"):
                on_event(event, item)

    async def follow(self, path: str, on_event: Callable[[str, Object], None], log: Callable[[str], None]) -> None:
        """Who begins is told of all that is there."""
        for (kind, _), item in list(self.told.items()):
            if path.endswith(f"/{kind}"):
                on_event("ADDED", item)
        self.followers.append((path, on_event))
        try:
            await asyncio.Event().wait()
        finally:
            self.followers.remove((path, on_event))

    @property
    def names(self) -> list[str]:
        return sorted(path.rpartition("/")[2] for path in self.objects)


def deployment(name: str = "qwen", uid: str = "u", **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": "models", "uid": uid, "labels": labels}}


def control(kind: str, component: str, name: str) -> Object:
    (manifest,) = (each for each in MANIFESTS if each["kind"] == kind and each["metadata"]["name"] == component)
    template = manifest["spec"]["template"]
    metadata = {**template["metadata"], "name": name, "namespace": manifest["metadata"]["namespace"], "uid": name}
    ready = {"type": "Ready", "status": "True"}
    return {"metadata": metadata, "spec": template["spec"], "status": {"podIP": "10.1.0.1", "conditions": [ready]}}


CONTROLS = {
    "controller": ("aibrix-controller-manager", "c"),
    "plugin": ("aibrix-gateway-plugins", "p"),
    "metadata": ("aibrix-metadata-service", "m"),
    "proxy": ("envoy-aibrix-system-aibrix-eg", "e"),
}


class Installed:
    """The control plane, two servers of `qwen`, and an address of its Gateway."""

    def __init__(self, folder: Path, *without: str) -> None:
        self.api, self.said = Written(), list[str]()
        self.servers: EngineFleet = fleet(FakeApi())
        self.aibrix = AibrixControlPlane(self.api, PodPorts(self.servers, folder, lambda _: None), self.said.append)
        self.pods = [self.server("qwen-0", 0), self.server("qwen-1", 1)]
        for item in self.pods:
            self.tell("ADDED", item)
        for what, (component, name) in CONTROLS.items():
            if what not in without:
                self.aibrix.on_pod("ADDED", control("Deployment", component, name))

    @staticmethod
    def server(name: str, number: int) -> Object:
        item = pod(name)
        item["metadata"]["labels"] = {**item["metadata"].get("labels", {}), **LABELS}
        item["status"] |= {"podIP": f"10.0.0.{number}", "phase": "Running"}
        item["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        return item

    def tell(self, event: str, item: Object) -> None:
        self.servers.on_pod(event, item)
        self.aibrix.on_pod(event, item)

    def deploy(self, event: str = "ADDED", **labels: str) -> None:
        self.api.tell("/deployments", event, deployment(**labels))

    def endpoints(self, *endpoints: tuple[str, str]) -> None:
        self.api.tell("/endpointslices", "ADDED", endpoint_slice(*endpoints))


Ask = Callable[..., Awaitable[tuple[int, Any, dict[str, str]]]]


def installed(folder: Path, work: Callable[[Installed, Ask], Awaitable[None]], *without: str) -> None:
    async def whole() -> None:
        there = Installed(folder, *without)
        await settle()

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await there.aibrix.answer(request, "envoy-gateway-system", "e")

        server = await asyncio.get_running_loop().create_server(
            web.Server(answer, handler_cancellation=True), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]

        async def ask(path: str = "/v1/completions", headers: dict[str, str] | None = None, **body: Any) -> Any:
            asked = {"model": "qwen", "prompt": "x", "max_tokens": 20, **body}
            async with (
                aiohttp.ClientSession(trust_env=False) as session,
                session.post(f"http://127.0.0.1:{port}{path}", json=asked, headers=headers) as told,
            ):
                is_json = told.content_type == "application/json"
                return told.status, await (told.json() if is_json else told.text()), dict(told.headers)

        try:
            await work(there, ask)
        finally:
            server.close()
            for component, name in CONTROLS.values():
                there.aibrix.on_pod("DELETED", control("Deployment", component, name))
            await settle()

    run(whole)


def servers_of(answers: list[tuple[int, Any, dict[str, str]]]) -> set[str]:
    assert {status for status, _, _ in answers} == {200}, answers
    words = [body["choices"][0]["text"].split() for _, body, _ in answers]
    return {next(word for word in text if word.startswith("models/")) for text in words}


def test_a_model_of_ours_is_found_and_a_request_for_it_goes_through_its_service(tmp_path: Path) -> None:
    labels = BACKENDS["aibrix"].manifest(on(MODEL, "aibrix"), "vllm-model")["metadata"]["labels"]
    made = route(labels["model.aibrix.ai/name"], "models", int(labels["model.aibrix.ai/port"]), {})
    custom_resource_validator(made["apiVersion"], made["kind"]).validate(
        {key: value for key, value in made.items() if key != "metadata"}
    )

    async def work(there: Installed, ask: Ask) -> None:
        there.deploy(**LABELS)
        there.endpoints(("qwen-0", "ready"), ("qwen-1", "ready"))
        await settle()
        assert there.api.names == ["aibrix-system-reserved-referencegrant-in-models", "qwen-router"]
        answers = [await ask() for _ in range(12)]
        assert servers_of(answers) == {"models/qwen-0", "models/qwen-1"}
        assert "request-id" in answers[0][2]
        there.endpoints(("qwen-1", "ready"))
        assert servers_of([await ask() for _ in range(4)]) == {"models/qwen-1"}
        there.endpoints()
        assert (await ask())[:2] == (503, "no healthy upstream")

    installed(tmp_path, work)


def test_labels_that_an_update_brings_get_no_route_and_those_that_it_takes_leave_one(tmp_path: Path) -> None:
    """modelrouter_controller.go registers AddFunc and DeleteFunc, and no UpdateFunc."""

    async def work(there: Installed, ask: Ask) -> None:
        there.deploy()
        there.deploy("MODIFIED", **LABELS)
        await settle()
        assert there.api.names == []
        status, body, headers = await ask()
        assert (status, body["error"]["code"], headers["x-error-routing"]) == (503, "service_unavailable", "true")
        assert body["error"]["message"] == 'httproutes.gateway.networking.k8s.io "qwen-router" not found'
        there.aibrix.on_pod("DELETED", control("Deployment", *CONTROLS["controller"]))
        there.aibrix.on_pod("ADDED", control("Deployment", *CONTROLS["controller"]))
        await settle()  # a new controller lists what is there
        assert there.api.names == [grant_name("models"), "qwen-router"]
        there.deploy("MODIFIED")
        there.deploy("DELETED")
        await settle()
        assert there.api.names == [grant_name("models"), "qwen-router"], "it stays"

    installed(tmp_path, work)


def test_a_controller_that_restarts_finds_what_is_there_while_the_old_one_is_still_ready(tmp_path: Path) -> None:
    """`rollout restart`: the new pod is Ready first. Handlers of the informers go by no lease (cmd/controllers)."""

    async def work(there: Installed, ask: Ask) -> None:
        component, old = CONTROLS["controller"]
        there.deploy()
        there.deploy("MODIFIED", **LABELS)
        there.aibrix.on_pod("ADDED", control("Deployment", component, "new"))
        await settle()
        assert there.api.names == [grant_name("models"), "qwen-router"]
        there.aibrix.on_pod("DELETED", control("Deployment", component, old))
        await settle()
        there.deploy("DELETED", **LABELS)
        await settle()
        assert there.api.names == [], "the new one goes on alone"
        there.aibrix.on_pod("DELETED", control("Deployment", component, "new"))

    installed(tmp_path, work)


def test_a_models_route_goes_with_its_deployment_and_the_grant_with_the_namespaces_last(tmp_path: Path) -> None:
    async def whole() -> None:
        api = Written()
        router = ModelRouter(api, lambda _: None)
        other = {**LABELS, "model.aibrix.ai/name": "llama"}
        await router.on_deployment("ADDED", deployment(**LABELS))
        await router.on_deployment("ADDED", deployment("llama", "v", **other))
        await router.on_deployment("DELETED", deployment(**LABELS))
        assert api.names == [grant_name("models"), "llama-router"]
        await router.on_deployment("DELETED", deployment("llama", "v", **other))
        assert api.names == []

    run(whole)


def test_the_route_is_remembered_for_half_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gateway.go, validateHTTPRouteStatus: bad news is kept, too."""

    async def work(there: Installed, ask: Ask) -> None:
        there.endpoints(("qwen-0", "ready"))
        assert (await ask())[0] == 503
        there.deploy(**LABELS)
        await settle()
        assert (await ask())[0] == 503
        monkeypatch.setattr(gateways, "ROUTE_CACHE_SECONDS", 0.0)
        assert there.aibrix._gateway is not None
        there.aibrix._gateway._checked.clear()
        assert (await ask())[0] == 200
        await there.api.delete(
            f"/apis/gateway.networking.k8s.io/v1beta1/namespaces/models/referencegrants/{grant_name('models')}"
        )
        status, body, _ = await ask()
        assert status == 503
        assert body["error"]["message"].endswith("are not resolved: RefNotPermitted.")

    installed(tmp_path, work)


def test_an_algorithm_chooses_a_pod_that_is_ready_and_stays_with_no_route_at_all(tmp_path: Path) -> None:
    async def work(there: Installed, ask: Ask) -> None:
        answers = [await ask(headers={"routing-strategy": "random"}) for _ in range(14)]
        assert servers_of(answers) == {"models/qwen-0", "models/qwen-1"}
        assert answers[0][2]["target-pod"] in ("qwen-0", "qwen-1")
        there.pods[0]["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
        there.aibrix.on_pod("MODIFIED", there.pods[0])
        chosen = [await ask(headers={"routing-strategy": "least-request"}) for _ in range(4)]
        assert servers_of(chosen) == {"models/qwen-1"}
        assert "x-stand-in" not in chosen[0][2]
        assert "x-stand-in" in (await ask(headers={"routing-strategy": "prefix-cache"}))[2]
        status, body, _ = await ask(headers={"routing-strategy": "clever"})
        assert (status, body["error"]["message"]) == (400, "incorrect routing strategy clever")
        assert (await ask(headers={"routing-strategy": " "}))[0] == 503
        there.pods[1]["status"]["conditions"][0]["status"] = "False"
        there.aibrix.on_pod("MODIFIED", there.pods[1])
        status, body, _ = await ask()
        assert (status, body["error"]["type"]) == (503, "overloaded_error")
        assert body["error"]["message"] == "error on getting pods for model qwen"

    installed(tmp_path, work)


def test_what_is_no_path_of_its_routes_is_envoys_404_and_a_plugin_that_is_gone_closes_it(tmp_path: Path) -> None:
    async def work(_: Installed, ask: Ask) -> None:
        assert (await ask("/metrics"))[:2] == (404, "")
        assert (await ask("/v1/responses"))[0] == 404, "no reserved route of the chart has it"
        assert (await ask("/v1/models"))[1]["data"] == [
            {"id": "qwen", "created": 0, "object": "model", "owned_by": "aibrix"}
        ]

    installed(tmp_path, work)

    async def closed(there: Installed, ask: Ask) -> None:
        there.deploy(**LABELS)
        there.endpoints(("qwen-0", "ready"))
        await settle()
        assert (await ask())[0] == 500, "failOpen: false"
        assert (await ask(headers={"model": "qwen"}))[0] == 200, "a route by header needs no plugin"
        assert (await ask("/v1/models"))[0] == 503

    installed(tmp_path, closed, "plugin", "metadata")


CHAT = '"messages": [{"role": "user", "content": "x"}]'


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/chat/completions", "{", 400, "error processing request body"),
        ("/v1/chat/completions", "[]", 400, "error processing request body"),
        ("/v1/chat/completions", '{"model": "a"}', 400, "no messages in the request body"),
        ("/v1/chat/completions", '{"model": "a", "messages": ["x"]}', 400, "error processing request body"),
        ("/v1/chat/completions", f'{{"model": 1, {CHAT}}}', 400, "error processing request body"),
        ("/v1/chat/completions", f'{{"stream": "yes", {CHAT}}}', 400, "error processing request body"),
        ("/v1/completions", '{"model": "a", "prompt": ["x"]}', 400, "error processing request body"),
        ("/v1/completions", '{"model": "a", "prompt": [1]}', 400, "error processing request body"),
        ("/v1/embeddings", '{"model": "a", "input": ""}', 400, "input cannot be an empty string"),
        ("/v1/embeddings", '{"model": "a", "input": []}', 400, "input array cannot be empty"),
        ("/v1/embeddings", '{"model": "a", "input": ["x", ""]}', 400, "input at index 1 cannot be an empty string"),
        ("/v1/embeddings", '{"model": "a", "input": "x", "stream": true}', 400, "stream not supported"),
        ("/v1/completions?x=1", "{}", 501, "unknown request path"),
        ("/v1/completions/x", "{}", 501, "unknown request path"),
        ("/v1/audio/transcriptions", "{}", 400, "multipart/form-data"),
        ("/v1/rerank", "{}", 501, "stand-in"),
    ],
)
def test_what_the_plugin_cannot_read_is_refused_in_its_words(path: str, body: str, status: int, message: str) -> None:
    with pytest.raises(PluginRefusal) as told:
        model_of(path, body.encode())
    assert (told.value.status, message in told.value.message) == (status, True), told.value.message


@pytest.mark.parametrize(
    ("told", "is_known"),
    [
        ("random", True),
        ("prefix-cache:2, least-request", True),
        ("prefix-cache:0,random", True),
        ("random:0", False),
        ("random:-1", False),
        ("random:1000001", False),
        ("random:1:2", False),
        ("random,", False),
        ("round-robin", False),
    ],
)
def test_algorithms_are_known_by_name_with_weights(told: str, is_known: bool) -> None:
    with _perhaps(not is_known):
        assert strategy_of({"routing-strategy": told}) == told
    assert strategy_of({"routing-strategy": " "}) == strategy_of({}) == ""


@contextmanager
def _perhaps(is_refused: bool) -> Iterator[None]:
    if not is_refused:
        yield
        return
    with pytest.raises(PluginRefusal, match="incorrect routing strategy"):
        yield


def test_the_grant_is_for_the_services_of_its_namespace_and_routes_of_aibrix() -> None:
    made = grant("models")
    assert made["metadata"] == {"name": "aibrix-system-reserved-referencegrant-in-models", "namespace": "models"}
    assert made["spec"]["to"] == [{"group": "", "kind": "Service"}]


def test_own_paths_of_a_model_are_in_its_route_once() -> None:
    paths = {"model.aibrix.ai/model-router-custom-paths": "/score, /version,/score,"}
    matches = route("qwen", "models", 8000, paths)["spec"]["rules"][0]["matches"]
    assert [each["path"]["value"] for each in matches[-2:]] == ["/score", "/version"]
