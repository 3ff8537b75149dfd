"""The simulated router of vLLM Production Stack: what it finds, whom it asks, what it says where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from components.serving.backends.production_stack import router_values
from local.engine.fleet import EngineFleet
from local.engine.operators.production_stack import CONTAINER, StackRouters, Unknown, options, prompt_of
from local.engine.router import Router
from tests.components.plans import MODEL, on
from tests.local.engine.simulated import FakeApi, deleting, endpoint_slice, fleet, free_ports, pod, run, service, settle

ARGUMENTS = [
    "--host", "0.0.0.0", "--port", "8000", "--service-discovery", "k8s", "--k8s-namespace", "models",
    "--k8s-service-discovery-type", "pod-ip", "--routing-logic", "roundrobin",
    "--k8s-port", "8000", "--k8s-label-selector", "app=qwen",
]  # fmt: skip


def router_pod(arguments: list[str] = ARGUMENTS, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "models", "name": "router", "uid": "r", "labels": {"app": "router"}, **metadata},
        "spec": {"nodeName": "n", "containers": [{"name": CONTAINER, "args": arguments}]},
        "status": {"containerStatuses": [{"name": CONTAINER, "ready": True, "state": {"running": {}}}]},
    }


Ask = Callable[..., Coroutine[Any, Any, tuple[int, Any]]]


def platform(tmp_path: Path, work: Callable[[EngineFleet, StackRouters, Ask], Any], *arguments: str) -> None:
    """Two servers, a router before them, and a Service that names the router."""

    async def whole() -> None:
        servers = fleet(FakeApi())
        for name in ("qwen-0", "qwen-1"):
            servers.on_pod("ADDED", pod(name))
        routers = StackRouters(servers, lambda _: None)
        routers.on_pod("ADDED", router_pod([*ARGUMENTS, *arguments]))
        router = Router(servers, tmp_path, free_ports(5), lambda _: None, [routers])
        router.on_service("ADDED", service(app="router"))
        router.on_slice("ADDED", endpoint_slice(("router", "ready")))
        await settle()
        await router.reconcile()
        (address,) = router.addresses()

        async def ask(path: str = "/v1/completions", **body: Any) -> tuple[int, Any]:
            asked = {"model": "qwen", "prompt": "x", "max_tokens": 4, **body}
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{address['url']}{path}", json=asked) as answer,
            ):
                return answer.status, await (answer.json() if "json" in answer.content_type else answer.text())

        try:
            await work(servers, routers, ask)
        finally:
            await router.close()

    run(whole)


def server_of(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 200, body
    words = body["choices"][0]["text"].split()
    return next(str(word) for word in words if word.startswith("models/"))


def test_it_asks_its_servers_in_turns_and_none_that_leaves(tmp_path: Path) -> None:
    async def work(servers: EngineFleet, _: StackRouters, ask: Ask) -> None:
        chosen = [server_of(await ask(max_tokens=20)) for _ in range(4)]
        assert chosen == ["models/qwen-0", "models/qwen-1"] * 2
        servers.on_pod("MODIFIED", deleting(pod("qwen-0")))
        assert {server_of(await ask(max_tokens=20)) for _ in range(3)} == {"models/qwen-1"}

    platform(tmp_path, work)


def test_a_prompt_goes_where_its_beginning_was_seen_and_token_ids_are_an_error_of_the_server(tmp_path: Path) -> None:
    async def work(_: EngineFleet, __: StackRouters, ask: Ask) -> None:
        beginning = "once " * 60
        first = server_of(await ask(prompt=beginning, max_tokens=20))
        again = {server_of(await ask(prompt=f"{beginning} {n}", max_tokens=20)) for n in range(6)}
        assert again == {first}
        assert (await ask(prompt=[1, 2, 3]))[0] == 500

    platform(tmp_path, work, "--routing-logic", "prefixaware")


def test_what_it_cannot_answer_it_says_as_the_router_does(tmp_path: Path) -> None:
    async def work(servers: EngineFleet, routers: StackRouters, ask: Ask) -> None:
        assert (await ask(model="other"))[0] == 404
        assert (await ask(model=None))[0] == 400
        assert (await ask("/metrics"))[0] == 404
        assert (await ask())[0] == 200
        for server in ("qwen-0", "qwen-1"):
            servers.on_pod("MODIFIED", deleting(pod(server)))
        assert (await ask())[0] == 503, "it has seen it"
        routers.on_pod("MODIFIED", router_pod(deletionTimestamp="2026-11-28T00:00:00Z"))
        assert not routers.has("models", "router")
        assert (await ask())[1]["error"]["type"] == "ServiceUnavailable", "nobody takes the connection"

    platform(tmp_path, work)


def test_an_argument_that_it_does_not_know_ends_it() -> None:
    with pytest.raises(Unknown, match="--no-such"):
        options([*ARGUMENTS, "--no-such", "1"])
    routers = StackRouters(fleet(FakeApi()), lambda _: None)
    routers.on_pod("ADDED", router_pod([*ARGUMENTS, "--no-such", "1"]))
    assert not routers.has("models", "router")


def test_what_the_stack_gives_it_is_known_and_finds_the_models_servers() -> None:
    model = on(MODEL, "production-stack")
    assert model.router is not None
    asked = options([*ARGUMENTS[:-4], *router_values(model, model.router)["routerSpec"]["extraArgs"]])
    assert asked.k8s_port == model.port
    assert "app.kubernetes.io/instance=llama" in asked.k8s_label_selector


def test_the_beginning_of_a_chat_is_its_messages() -> None:
    parts = [{"type": "text", "text": "b"}, {"type": "image_url"}]
    assert prompt_of({"messages": [{"content": "a"}, {"content": parts}, {"content": None}]}) == "a\nb"


def test_an_answer_under_way_is_cut_when_the_routers_grace_is_over() -> None:
    async def whole() -> None:
        routers = StackRouters(fleet(FakeApi()), lambda _: None)
        item = router_pod()
        item["spec"]["terminationGracePeriodSeconds"] = 0
        routers.on_pod("ADDED", item)
        cut: list[bool] = []

        class Transport(asyncio.Transport):
            def abort(self) -> None:
                cut.append(True)

        routers._pods["models", "router"].under_way.add(Transport())
        routers.on_pod("DELETED", item)
        await asyncio.sleep(0.01)
        assert cut == [True]

    run(whole)
