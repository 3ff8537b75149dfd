"""`warmUp` with the real vLLM: the platform's kubelet runs the rendered startup probe until a token was generated.

The pod is as rendered, its cluster is played: what the kubelet writes is what an API server would get.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from local.host.paths import platform_paths
from local.vllm_cpu.environment import Environment, installed
from local.vllm_cpu.real_fleet import RealFleet
from tests.e2e.real_servers import open_to_servers
from tests.e2e.rendered_stack import Config, server_pod
from tests.local.engine.simulated import FakeApi

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

PATIENCE_SECONDS = 600
NAME = "qwen-0"


def _warm(config: Config) -> None:
    config["models"][0] |= {"maxModelLen": 2048, "maxNumSeqs": 4, "enforceEager": True, "warmUp": True}


def _pod() -> dict[str, Any]:
    """As KWOK leaves it: its container runs, and nothing of its probes is known."""
    spec = {**server_pod("local", _warm), "nodeName": "here"}
    status = {"name": "vllm", "ready": False, "started": False, "state": {"running": {}}}
    metadata = {"namespace": "models", "name": NAME, "uid": NAME, "labels": {"app": "qwen"}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running", "containerStatuses": [status]}}


async def _until_ready(environment: Environment, folder: Path) -> tuple[list[str], list[tuple[bool, bool]], list[str]]:
    """The pod's log, each status that was written (started, ready), and the requests that its server answered."""
    api, lines = FakeApi(), list[str]()
    fleet = RealFleet(api, environment, folder / "processes", lambda _: lines.append)
    try:
        fleet.on_pod("ADDED", _pod())
        member = fleet.members["models", NAME]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not member.ready:
                assert member.restarts == 0, lines
                await asyncio.sleep(0.2)
        assert member.server is not None
        answered = [line for line in member.server.log.read_text().splitlines() if '"POST ' in line]
    finally:
        await fleet.close()
    own = [patch["status"]["containerStatuses"][0] for _, patch in api.patches]
    return lines, [(status["started"], status["ready"]) for status in own], answered


def test_a_pod_has_generated_a_token_before_it_is_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = installed(platform_paths())
    assert environment is not None
    folder = tmp_path_factory.mktemp("warm")
    open_to_servers(folder)
    lines, written, answered = asyncio.run(_until_ready(environment, folder))
    told = [line for line in lines if "startupProbe" in line or "readiness" in line]
    assert told[-2:] == ["INFO startupProbe: exit code 0: warm: 1 token", "INFO readiness: Ready"], lines
    # While it loads nobody listens: the probe says so, and the container is left alone.
    assert told[:-2], "it was up before it was asked"
    assert {line.partition("<")[0] for line in told[:-2]} == {"WARNING startupProbe: exit code 1: not yet: "}, told
    assert written == [(False, False), (True, False), (True, True)]
    (warm,) = answered
    assert "POST /v1/completions" in warm
    assert "200 OK" in warm
