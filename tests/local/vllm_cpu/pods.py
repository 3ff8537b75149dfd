"""Pods whose process is a small program in the place of vLLM: it does what files in its folder tell it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from local.vllm_cpu.environment import Environment
from local.vllm_cpu.real_fleet import RealFleet
from local.vllm_cpu.running_pod import RunningPod
from tests.local.engine.simulated import FakeApi, pod

PROGRAM = """#!{python}
import http.server, os, pathlib, signal, sys, threading
if pathlib.Path("refuse").exists():
    sys.exit("vllm serve: error: unrecognized arguments: --no-such-flag")
port = int(next(a for a in sys.argv if a.startswith("--port=")).partition("=")[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(503 if pathlib.Path("ill").exists() else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
def end(*_):
    pathlib.Path("../term").touch()
    if not pathlib.Path("stubborn").exists():
        os._exit(0)
signal.signal(signal.SIGTERM, end)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
PROBE: dict[str, Any] = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 0.05, "failureThreshold": 3}
CONTAINER: dict[str, Any] = {
    "ports": [{"containerPort": 8000, "name": "http"}],
    "env": [{"name": "HF_HUB_CACHE", "value": "/cache/hub"}],
    "volumeMounts": [{"mountPath": "/cache", "readOnly": True}, {"mountPath": "/tmp"}],
    "startupProbe": {**PROBE, "failureThreshold": 200},
    "readinessProbe": PROBE,
}


def served(**container: Any) -> dict[str, Any]:
    """A pod as KWOK leaves it: its container runs, and nothing of its probes is known."""
    made = pod("qwen-0", **{**CONTAINER, **container})
    made["status"]["containerStatuses"][0] |= {"ready": False, "started": False}
    return made


class Pods:
    """A fleet, what it wrote, and what it logged."""

    def __init__(self, folder: Path, **marks: str) -> None:
        self.api, self.lines, self.folder = FakeApi(), list[str](), folder / "processes"
        program = folder / "engine" / "bin" / "vllm"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        self.fleet = RealFleet(self.api, Environment(folder / "engine"), self.folder, lambda _: self.lines.append)
        self.fleet.machine.fill = lambda *_: "no"

    @property
    def member(self) -> RunningPod:
        return self.fleet.members["models", "qwen-0"]

    @property
    def root(self) -> Path:
        return self.folder / "qwen-0" / "root"

    def mark(self, name: str) -> Path:
        """A file that tells the program what to do."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / name).touch()
        return self.root / name

    def written(self) -> list[tuple[bool, bool, int, str]]:
        """Each status: started, ready, restarts, state."""
        own = [patch["status"]["containerStatuses"][0] for _, patch in self.api.patches]
        return [(s["started"], s["ready"], s["restartCount"], next(iter(s["state"]))) for s in own]

    async def until(self, what: Callable[[], bool]) -> None:
        """Fails with the log when it does not come true."""
        try:
            async with asyncio.timeout(15):
                while not what():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError("\n".join([*self.lines, str(self.written())])) from None

    async def until_ready(self) -> None:
        await self.until(lambda: self.member.ready)


@asynccontextmanager
async def pods(folder: Path) -> AsyncIterator[Pods]:
    made = Pods(folder)
    try:
        yield made
    finally:
        await made.fleet.close()
