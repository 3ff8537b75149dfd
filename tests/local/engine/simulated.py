"""Engines, pods and an API server's answers for the tests of the simulated vLLM; no cluster, no real time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestClient

from local.engine import flags
from local.engine.engine import Engine, SimulatedEngineConfig
from local.engine.fleet import EngineFleet
from local.engine.openai_api import handle
from local.engine.rates import EngineRates

FAST = EngineRates(
    prefill_tokens_per_second=1e6,
    weights_read_seconds=0.0,
    kv_read_seconds_per_token=0.0,
    kv_cache_tokens=65536,
    step_overhead_seconds=1e-4,
)
SLOW = EngineRates(1e6, 0.0, 0.0, 65536, step_overhead_seconds=0.02)


def engine(*arguments: str, rates: EngineRates = FAST, max_model_len: int = 4096, serving: bool = True) -> Engine:
    """An engine started with these arguments after the model's name."""
    parsed = flags.parse(["Qwen/Qwen3-0.6B", *arguments])
    made = Engine(
        SimulatedEngineConfig(
            pod="models/qwen-0",
            arguments=parsed,
            rates=rates,
            max_model_len=max_model_len,
            max_num_seqs=parsed.max_num_seqs or 256,
            max_num_batched_tokens=parsed.max_num_batched_tokens or 2048,
            version="0.33.0",
        )
    )
    if serving:
        made.start_serving()
    return made


@asynccontextmanager
async def client_of(served: Engine) -> AsyncIterator[TestClient[Any, Any]]:
    """An HTTP client of one engine, as the router reaches it."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await handle(served, request, request.path)

    server = RawTestServer(answer, handler_cancellation=True)
    async with TestClient(server) as client:
        yield client


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Runs an asynchronous test to its end, at most 20 s."""
    asyncio.run(asyncio.wait_for(work(), 20))


class FakeApi:
    """The API server as the fleet uses it; records what was written."""

    def __init__(self, labels: dict[str, str] | None = None) -> None:
        self.labels = {"node.kubernetes.io/instance-type": "g6.xlarge"} if labels is None else labels
        self.patches: list[tuple[str, dict[str, Any]]] = []
        self.json_patches: list[tuple[str, list[dict[str, Any]]]] = []
        self.deleted: list[tuple[str, str]] = []

    async def get(self, path: str) -> dict[str, Any] | None:
        return {"metadata": {"labels": self.labels}}

    async def patch_status(self, path: str, patch: dict[str, Any]) -> bool:
        self.patches.append((path, patch))
        return True

    async def patch_json(self, path: str, operations: list[dict[str, Any]]) -> bool:
        self.json_patches.append((path, operations))
        return True

    async def delete_now(self, path: str, uid: str) -> None:
        self.deleted.append((path, uid))


def fleet(api: FakeApi, lines: list[str] | None = None) -> EngineFleet:
    """A fleet with its engines' log lines in `lines`."""
    return EngineFleet(api, lambda pod: (lines if lines is not None else []).append)


def pod(
    name: str = "qwen-0",
    *arguments: str,
    uid: str = "",
    node: str | None = "n1",
    running: bool = True,
    gpus: int = 1,
    labels: dict[str, str] | None = None,
    **container: Any,
) -> dict[str, Any]:
    """A Pod with a vLLM container, as a watch delivers it."""
    status = {"name": "vllm", "ready": running, "state": {"running": {}} if running else {"waiting": {}}}
    return {
        "metadata": {
            "namespace": "models",
            "name": name,
            "uid": uid or name,
            "resourceVersion": "1",
            "labels": labels or {"app": "qwen"},
        },
        "spec": {
            **({"nodeName": node} if node else {}),
            "terminationGracePeriodSeconds": 30,
            "containers": [
                {
                    "name": "vllm",
                    "image": "vllm/vllm-openai:v0.33.0",
                    "args": ["Qwen/Qwen3-0.6B", "--served-model-name=qwen", "--max-model-len=4096", *arguments],
                    "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
                    **container,
                }
            ],
        },
        "status": {"phase": "Running" if running else "Pending", "containerStatuses": [status]},
    }


def deleting(item: dict[str, Any], grace_seconds: int = 30) -> dict[str, Any]:
    """The same pod after a DELETE."""
    metadata = {
        **item["metadata"],
        "deletionTimestamp": "2026-11-21T12:00:00Z",
        "deletionGracePeriodSeconds": grace_seconds,
    }
    return {**item, "metadata": metadata}


async def settle() -> None:
    """Lets started tasks run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


def service(name: str = "qwen", port: int = 8000, **selector: str) -> dict[str, Any]:
    """A Service of the models' namespace."""
    return {
        "metadata": {"namespace": "models", "name": name, "uid": name},
        "spec": {"selector": selector or {"app": "qwen"}, "ports": [{"name": "http", "port": port}]},
    }


def endpoint_slice(*endpoints: tuple[str, str], service: str = "qwen", port: int = 8000) -> dict[str, Any]:
    """Its endpoints: pod and state, which is ready, starting or terminating."""
    conditions = {
        "ready": {"ready": True, "serving": True, "terminating": False},
        "starting": {"ready": False, "serving": False, "terminating": False},
        "terminating": {"ready": False, "serving": True, "terminating": True},
    }
    return {
        "metadata": {
            "namespace": "models",
            "name": f"{service}-1",
            "uid": f"{service}-1",
            "labels": {"kubernetes.io/service-name": service},
        },
        "ports": [{"name": "http", "port": port}],
        "endpoints": [
            {
                "targetRef": {"kind": "Pod", "namespace": "models", "name": name},
                "conditions": conditions[state],
            }
            for name, state in endpoints
        ],
    }


def free_ports(count: int) -> tuple[int, int]:
    """A range of ports that was free a moment ago."""
    for first in range(24000, 30000, count):
        sockets = []
        try:
            for port in range(first, first + count):
                sock = socket.socket()
                sockets.append(sock)
                sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for sock in sockets:
                sock.close()
        return first, first + count - 1
    raise AssertionError("no free ports")
