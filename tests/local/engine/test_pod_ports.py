"""A pod's own address: a local port that is refused as soon as the pod's server is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.engine.engine import EngineState
from local.engine.pod_ports import PodPorts
from tests.local.engine.simulated import FakeApi, deleting, fleet, pod, run, settle

IP = "10.244.1.7"


def _with_address(item: dict[str, Any]) -> dict[str, Any]:
    item["status"]["podIP"] = IP
    return item


def test_a_pod_answers_at_its_own_port_and_a_killed_one_refuses(tmp_path: Path) -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        ports = PodPorts(pods, tmp_path, lambda line: None)
        pods.on_pod("ADDED", _with_address(pod(running=False)))
        await settle()
        assert await ports.of(f"{IP}:8000") is None, "it does not listen yet"
        pods.on_pod("MODIFIED", _with_address(pod()))
        port = await ports.of(f"{IP}:8000")
        assert port is not None
        assert await ports.of(f"{IP}:8000") == port
        assert await ports.of(f"{IP}:9000") is None, "another port of the pod"
        assert await ports.of("10.244.1.8:8000") is None, "another pod"
        assert await ports.of("nonsense") is None
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/v1/models") as answer:
                assert answer.status == 200
            engine = pods.engine("models", "qwen-0")
            assert engine is not None
            engine.stop()
            assert engine.state is EngineState.STOPPED
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{port}/v1/models")
        assert await ports.of(f"{IP}:8000") is None

    run(work)


def test_a_killed_pod_resets_what_it_had_and_a_drained_one_ends_it(tmp_path: Path) -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        ports = PodPorts(pods, tmp_path, lambda line: None)
        pods.on_pod("ADDED", _with_address(pod()))
        await settle()
        port = await ports.of(f"{IP}:8000")
        engine = pods.engine("models", "qwen-0")
        assert engine is not None
        body = {"model": "qwen", "prompt": "x", "max_tokens": 4000, "ignore_eos": True, "stream": True}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}/v1/completions", json=body) as answer,
        ):
            await answer.content.readline()
            engine.stop()
            with pytest.raises((aiohttp.ClientError, ConnectionError)):  # noqa: PT012
                while True:
                    if not await answer.content.readline():
                        raise AssertionError("an end that looks like one")

    run(work)


def test_a_pod_without_grace_is_killed_and_answers_nothing_half(tmp_path: Path) -> None:
    """Who deletes by force: SIGKILL resets, where vLLM's own end answers 200 with what there is."""

    async def work() -> None:
        pods = fleet(FakeApi())
        ports = PodPorts(pods, tmp_path, lambda line: None)
        item = _with_address(pod("qwen-0", "--shutdown-timeout=60"))
        pods.on_pod("ADDED", item)
        await settle()
        port = await ports.of(f"{IP}:8000")
        body = {"model": "qwen", "prompt": "x", "max_tokens": 4000, "ignore_eos": True}
        async with aiohttp.ClientSession() as session:
            asked = asyncio.create_task(session.post(f"http://127.0.0.1:{port}/v1/completions", json=body))
            await asyncio.sleep(0.1)
            pods.on_pod("MODIFIED", deleting(item, grace_seconds=0))
            with pytest.raises(aiohttp.ClientError):
                await asked

    run(work)
