"""The Service router: Ready endpoints only, in turns, on ports that stay."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.engine.admin import admin_handler
from local.engine.endpoints import ServiceBackend, backends
from local.engine.engine import EngineState
from local.engine.fleet import EngineFleet
from local.engine.ports import PortBook
from local.engine.router import Router
from tests.local.engine.simulated import FakeApi, endpoint_slice, fleet, free_ports, pod, run, service, settle


async def _two_pods(directory: Path, ports: tuple[int, int]) -> tuple[EngineFleet, Router]:
    pods = fleet(FakeApi())
    for name in ("qwen-0", "qwen-1"):
        pods.on_pod("ADDED", pod(name))
    router = Router(pods, directory, ports, lambda line: None)
    router.on_service("ADDED", service())
    router.on_slice("ADDED", endpoint_slice(("qwen-0", "ready"), ("qwen-1", "ready")))
    await settle()
    await router.reconcile()
    return pods, router


async def _ask(url: str, times: int = 1) -> list[tuple[int, Any]]:
    """Each time on a connection of its own, as separate clients."""
    answers = []
    for _ in range(times):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/v1/completions", json={"prompt": "x", "max_tokens": 20}) as answer,
        ):
            answers.append((answer.status, await answer.json()))
    return answers


def _pods(answers: list[tuple[int, Any]]) -> Counter[str]:
    words = (body["choices"][0]["text"].split() for _, body in answers)
    return Counter(next(word for word in text if word.startswith("models/")) for text in words)


def _with_router(tmp_path: Path, work: Callable[[EngineFleet, Router, str], Any]) -> None:
    async def whole() -> None:
        pods, router = await _two_pods(tmp_path, free_ports(5))
        try:
            (address,) = json.loads((tmp_path / "services.json").read_text())
            await work(pods, router, address["url"])
        finally:
            await router.close()

    run(whole)


def test_connections_go_to_ready_endpoints_in_turns(tmp_path: Path) -> None:
    async def work(_: EngineFleet, router: Router, url: str) -> None:
        assert _pods(await _ask(url, 4)) == {"models/qwen-0": 2, "models/qwen-1": 2}
        router.on_slice("MODIFIED", endpoint_slice(("qwen-0", "starting"), ("qwen-1", "ready")))
        assert _pods(await _ask(url, 3)) == {"models/qwen-1": 3}

    _with_router(tmp_path, work)


def test_a_connection_stays_with_its_endpoint(tmp_path: Path) -> None:
    async def work(_: EngineFleet, __: Router, url: str) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            answers = []
            for _i in range(4):
                async with session.post(f"{url}/v1/completions", json={"prompt": "x", "max_tokens": 20}) as answer:
                    answers.append((answer.status, await answer.json()))
        assert len(_pods(answers)) == 1

    _with_router(tmp_path, work)


def test_without_a_ready_endpoint_the_answer_says_so(tmp_path: Path) -> None:
    async def work(_: EngineFleet, router: Router, url: str) -> None:
        router.on_slice("MODIFIED", endpoint_slice(("qwen-0", "starting")))
        ((status, body),) = await _ask(url)
        assert status == 503
        assert "Service models/qwen has no ready endpoint" in body["error"]["message"]

    _with_router(tmp_path, work)


def test_a_service_that_targets_another_port_reaches_nothing(tmp_path: Path) -> None:
    async def work(_: EngineFleet, router: Router, url: str) -> None:
        router.on_slice("MODIFIED", endpoint_slice(("qwen-0", "ready"), port=8080))
        ((status, body),) = await _ask(url)
        assert status == 503
        assert "listens on 8000, the Service targets 8080" in body["error"]["message"]

    _with_router(tmp_path, work)


def test_a_service_keeps_its_address_while_it_has_no_pods(tmp_path: Path) -> None:
    async def work(pods: EngineFleet, router: Router, url: str) -> None:
        for name in ("qwen-0", "qwen-1"):
            pods.on_pod("DELETED", pod(name))
        await router.reconcile()
        assert [address["url"] for address in router.addresses()] == [url]
        router.on_service("DELETED", service())
        await router.reconcile()
        assert json.loads((tmp_path / "services.json").read_text()) == []

    _with_router(tmp_path, work)


def test_terminating_endpoints_serve_only_when_none_is_ready() -> None:
    one, two = ServiceBackend("models", "a", 8000), ServiceBackend("models", "b", 8000)
    assert backends([endpoint_slice(("a", "terminating"), ("b", "ready"))], "http") == [two]
    assert backends([endpoint_slice(("a", "terminating"), ("b", "starting"))], "http") == [one]
    assert backends([endpoint_slice(("b", "starting"))], "http") == []
    assert backends([endpoint_slice(("b", "ready"))], "metrics") == []


def test_services_without_our_pods_get_no_address(tmp_path: Path) -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        pods.on_pod("ADDED", pod("qwen-0"))
        router = Router(pods, tmp_path, free_ports(5), lambda line: None)
        headless = service("external")
        headless["spec"]["selector"] = {}
        for unrouted in (service("grafana", app="grafana"), headless):
            router.on_service("ADDED", unrouted)
        await settle()
        await router.reconcile()
        assert router.addresses() == []

    run(work)


def test_addresses_survive_a_restart_and_a_port_in_use_is_avoided(tmp_path: Path) -> None:
    async def work() -> None:
        ports = free_ports(5)
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", ports[0]))
            taken.listen()
            _, router = await _two_pods(tmp_path, ports)
            (before,) = router.addresses()
            await router.close()
        assert before["port"] == ports[0] + 1
        _, router = await _two_pods(tmp_path, ports)  # the first port is free now: the address stays all the same
        assert router.addresses() == [before]
        await router.close()
        assert json.loads((tmp_path / "services.json").read_text()) == [before]

    run(work)


def test_the_address_list_names_every_port(tmp_path: Path) -> None:
    async def work(_: EngineFleet, router: Router, url: str) -> None:
        (address,) = router.addresses()
        assert address == {
            "namespace": "models",
            "name": "qwen",
            "port_name": "http",
            "port": int(url.rpartition(":")[2]),
            "service_port": 8000,
            "url": url,
        }

    _with_router(tmp_path, work)


def test_when_no_port_is_left_the_range_is_named(tmp_path: Path) -> None:
    async def work() -> None:
        first, _ = free_ports(5)
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", first))
            taken.listen()
            book = PortBook(tmp_path / "ports.json", first, first)
            with pytest.raises(OSError, match=f"no free port in {first}-{first}"):
                await book.listen("a", admin_handler(fleet(FakeApi())))

    run(work)


def test_a_damaged_port_file_is_rebuilt(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")

    async def work(_: EngineFleet, __: Router, ___: str) -> None:
        assert list(json.loads((tmp_path / "ports.json").read_text())) == ["models/qwen/http"]

    _with_router(tmp_path, work)


def test_the_admin_port_reaches_each_pod(tmp_path: Path) -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        pods.on_pod("ADDED", pod("qwen-0"))
        pods.on_pod("ADDED", pod("broken", "--no-such-flag"))
        await settle()
        server, port = await PortBook(tmp_path / "p.json", *free_ports(3)).listen("admin", admin_handler(pods))
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:

            async def get(path: str) -> tuple[int, str]:
                async with session.get(url + path) as answer:
                    return answer.status, await answer.text()

            assert (await get("/healthz")) == (200, "ok")
            status, text = await get("/pods/models/qwen-0/metrics")
            assert status == 200
            assert 'vllm:num_requests_waiting{engine="0",model_name="qwen"} 0.0' in text
            assert (await get("/pods/models/absent/metrics"))[0] == 404
            status, text = await get("/pods/models/broken/health")
            assert status == 503
            assert "unrecognized arguments: --no-such-flag" in text
            states = {e["pod"]: e["state"] for e in json.loads((await get("/engines"))[1])}
            assert states == {"qwen-0": "serving", "broken": "crashed"}
        server.close()
        await asyncio.sleep(0)

    run(work)


def test_a_request_without_a_ready_endpoint_is_told_when_to_try_again_and_counted_from_zero_on(tmp_path: Path) -> None:
    """What wakes a model at zero replicas: vLLM's own metrics are gone with its last pod."""

    async def work(_: EngineFleet, router: Router, url: str) -> None:
        mine = 'router_requests_unserved_total{namespace="models",service="qwen"}'
        assert f"{mine} 0" in router.exposition(), "it must be there before the first request, or its rate is not"
        router.on_slice("MODIFIED", endpoint_slice())
        async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/completions", json={}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert f"{mine} 1" in router.exposition()
        router.on_slice("MODIFIED", endpoint_slice(("qwen-0", "ready")))
        assert (await _ask(url))[0][0] == 200
        assert f"{mine} 1" in router.exposition()

    _with_router(tmp_path, work)


def test_an_endpoint_whose_process_is_gone_gets_no_connections(tmp_path: Path) -> None:
    """A slice that still names it must not cost a request."""

    async def work(pods: EngineFleet, _: Router, url: str) -> None:
        leaving = pods.engine("models", "qwen-0")
        assert leaving is not None
        leaving.state = EngineState.STOPPED
        assert _pods(await _ask(url, 3)) == {"models/qwen-1": 3}

    _with_router(tmp_path, work)


def test_a_kept_connection_meets_the_drain_of_its_endpoint_and_closes_with_it(tmp_path: Path) -> None:
    """As with kube-proxy and vLLM: 200 with finish_reason abort meanwhile, a closed connection afterwards."""

    async def work(pods: EngineFleet, _: Router, url: str) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:

            async def ask() -> Any:
                async with session.post(f"{url}/v1/completions", json={"prompt": "x", "max_tokens": 20}) as answer:
                    assert answer.status == 200
                    return await answer.json()

            (first,) = _pods([(200, await ask())])
            leaving = pods.engine(*first.split("/"))
            assert leaving is not None
            leaving.state = EngineState.DRAINING
            choice = (await ask())["choices"][0]
            assert (choice["finish_reason"], choice["text"]) == ("abort", "")
            leaving.state = EngineState.STOPPED
            with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
                await ask()
            (other,) = _pods([(200, await ask())])
            assert other != first

    _with_router(tmp_path, work)


def test_where_every_endpoint_refuses_the_caller_is_told_to_try_again(tmp_path: Path) -> None:
    async def work(pods: EngineFleet, _: Router, url: str) -> None:
        for name in ("qwen-0", "qwen-1"):
            engine = pods.engine("models", name)
            assert engine is not None
            engine.stop()
        async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/completions", json={}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert (await answer.json())["error"]["message"].endswith("is stopped")

    _with_router(tmp_path, work)
