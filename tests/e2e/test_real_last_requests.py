"""A pod of the real vLLM that is deleted while its engine is in one long step: what had reached it is answered.

The pod and its hook are as rendered, its cluster is played (as in test_real_warm_up.py). The engine's process is
stopped for longer than the pod sleeps: it takes no request then, as in the first step of a fresh server.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from local.host.paths import platform_paths
from local.load.arrivals import Arrival
from local.load.client import RequestOutcome, RequestResult, send
from local.vllm_cpu.environment import Environment, installed
from local.vllm_cpu.real_fleet import RealFleet
from local.vllm_cpu.running_pod import RunningPod
from tests.e2e.real_servers import open_to_servers
from tests.e2e.rendered_stack import Config, server_pod
from tests.local.engine.simulated import FakeApi, deleting

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

PATIENCE_SECONDS = 600
NAME = "qwen-0"
SLEEP_SECONDS, STEP_SECONDS = 2, 4
"""The pod would get SIGTERM after the first, and the engine goes on after the second."""


def _short(config: Config) -> None:
    drain = {"preStopSeconds": SLEEP_SECONDS, "shutdownTimeoutSeconds": 120}
    config["models"][0] |= {"maxModelLen": 2048, "maxNumSeqs": 4, "enforceEager": True, "drain": drain}


def _pod() -> dict[str, Any]:
    """As KWOK leaves it: its container runs, and nothing of its probes is known."""
    spec = {**server_pod("local", _short), "nodeName": "here"}
    status = {"name": "vllm", "ready": False, "started": False, "state": {"running": {}}}
    metadata = {"namespace": "models", "name": NAME, "uid": NAME, "labels": {"app": "qwen"}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running", "containerStatuses": [status]}}


def _engine_of(member: RunningPod) -> psutil.Process:
    """vLLM names the process of its engine core so (`set_process_title`)."""
    assert member.server is not None
    assert member.server.process is not None
    family = psutil.Process(member.server.process.pid).children(recursive=True)
    (engine,) = [process for process in family if "EngineCore" in " ".join(process.cmdline())]
    return engine


async def _deleted_in_a_long_step(environment: Environment, folder: Path) -> tuple[list[RequestResult], list[str]]:
    """What became of four streams that were sent before the pod was deleted, and the pod's log."""
    lines = list[str]()
    fleet = RealFleet(FakeApi(), environment, folder / "processes", lambda _: lines.append)
    try:
        item = _pod()
        fleet.on_pod("ADDED", item)
        member = fleet.members["models", NAME]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not member.ready:
                assert member.restarts == 0, lines
                await asyncio.sleep(0.2)
        engine = _engine_of(member)
        engine.suspend()
        async with aiohttp.ClientSession(trust_env=False) as session:
            url, clock = f"http://127.0.0.1:{member.local_port(8000)}", time.monotonic
            one = Arrival(clock(), 16, 20)
            asked = [
                asyncio.create_task(send(session, url, "Qwen/Qwen2.5-7B-Instruct", one, PATIENCE_SECONDS, clock))
                for _ in range(4)
            ]
            assert member.server is not None
            while member.server.log.read_text().count('"POST /v1/completions') < len(asked):
                await asyncio.sleep(0.1)  # 200 is said when the server has read it
            fleet.on_pod("MODIFIED", deleting(item, grace_seconds=item["spec"]["terminationGracePeriodSeconds"]))
            await asyncio.sleep(STEP_SECONDS)
            engine.resume()
            results = list(await asyncio.gather(*asked))
            assert member.end is not None
            await member.end
    finally:
        await fleet.close()
    return results, lines


def test_what_reached_a_server_before_its_end_is_answered_whole_however_long_its_step(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    environment = installed(platform_paths())
    assert environment is not None
    folder = tmp_path_factory.mktemp("last")
    open_to_servers(folder)
    results, lines = asyncio.run(_deleted_in_a_long_step(environment, folder))
    assert [(result.outcome, result.why) for result in results] == [(RequestOutcome.ANSWERED, "")] * 4, lines
    told = [line for line in lines if line.startswith(("INFO preStop", "INFO SIGTERM", "INFO vllm ended"))]
    assert told == ["INFO preStop: exit code 0: all taken", "INFO SIGTERM", "INFO vllm ended with exit code 0"]
