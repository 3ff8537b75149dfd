"""Pods of the real vLLM behind the platform's router and kubelet; the cluster is played by who uses this."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.timing import REPO
from components.serving.manifests.deployment import deployment
from local.engine.router import Router
from local.host.paths import platform_paths
from local.vllm_cpu.environment import required
from local.vllm_cpu.real_fleet import RealFleet
from local.vllm_cpu.running_pod import RunningPod
from planning.plan import plan
from settings.read import read

PREFIX = "vllm-on-eks:"
NAMESPACE, SERVICE, STACK = "models", "qwen", "local"
READY_SECONDS = 400


@dataclass(frozen=True)
class PlayedCase:
    pre_stop_seconds: int
    keep_alive_seconds: int
    forgotten_seconds: float


class NoCluster:
    """The kubelet's way to the API server: what it says of pods is read from the fleet itself."""

    async def get(self, path: str) -> None:
        return None

    async def patch_status(self, path: str, patch: dict[str, Any]) -> bool:
        return True

    async def delete_now(self, path: str, uid: str) -> None:
        return None


def rendered_pod() -> dict[str, Any]:
    """The pod spec of the local stack's model."""
    content = yaml.safe_load((REPO / f"Pulumi.{STACK}.yaml").read_text())["config"]
    item = read({key.removeprefix(PREFIX): value for key, value in content.items()}, STACK).settings
    assert item is not None
    model = plan(item, STACK).models[0]
    spec: dict[str, Any] = deployment(model, "priority")["spec"]["template"]["spec"]
    return spec


def pod(name: str, case: PlayedCase) -> dict[str, Any]:
    """A pod that KWOK has just started, with the case's values."""
    spec = deepcopy(rendered_pod())
    (server,) = spec["containers"]
    server["lifecycle"] = {"preStop": {"sleep": {"seconds": case.pre_stop_seconds}}}
    own = [variable for variable in server["env"] if variable["name"] != "VLLM_HTTP_TIMEOUT_KEEP_ALIVE"]
    server["env"] = [*own, {"name": "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "value": str(case.keep_alive_seconds)}]
    spec["nodeName"] = "here"
    running = {"name": "vllm", "ready": False, "started": False, "state": {"running": {}}}
    metadata = {"namespace": NAMESPACE, "name": name, "uid": name, "labels": {"app": SERVICE}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running", "containerStatuses": [running]}}


@dataclass
class PlayedFleet:
    """The fleet, the router in front of it, and which pods are endpoints."""

    fleet: RealFleet
    router: Router
    endpoints: list[str] = field(default_factory=list)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tell(self) -> None:
        points = [
            {"targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": name}, "conditions": {"ready": True}}
            for name in self.endpoints
        ]
        metadata = {"namespace": NAMESPACE, "uid": "s", "labels": {"kubernetes.io/service-name": SERVICE}}
        ports = [{"name": "http", "port": 8000}]
        self.router.on_slice("MODIFIED", {"metadata": metadata, "ports": ports, "endpoints": points})

    async def ready(self, name: str, case: PlayedCase) -> RunningPod:
        """Starts a pod and waits until its probes let it in."""
        self.items[name] = pod(name, case)
        self.fleet.on_pod("ADDED", self.items[name])
        self.router.pods_changed()
        member = self.fleet.members[NAMESPACE, name]
        deadline = time.monotonic() + READY_SECONDS
        while not member.ready:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not Ready after {READY_SECONDS} s")
            await asyncio.sleep(0.2)
        self.endpoints.append(name)
        self.tell()
        return member

    async def end(self, name: str, forgotten_seconds: float) -> None:
        """Deletes it: from now on its kubelet ends it; the endpoints forget it a little later."""
        item = self.items.pop(name)
        item["metadata"]["deletionTimestamp"] = "2026-11-27T00:00:00Z"
        member = self.fleet.members[NAMESPACE, name]
        self.fleet.on_pod("MODIFIED", item)
        await asyncio.sleep(forgotten_seconds)
        self.endpoints.remove(name)
        self.tell()
        assert member.end is not None
        await member.end
        self.fleet.on_pod("DELETED", item)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[PlayedFleet, str]]:
    """With the Service's address on this machine."""

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    environment = required(platform_paths())
    fleet = RealFleet(
        NoCluster(), environment, folder / "processes", lambda pod: lambda line: say(f"{pod.name} {line}")
    )
    router = Router(fleet, folder, (28000, 28999), say)
    running = asyncio.create_task(router.run())
    spec = {"selector": {"app": SERVICE}, "ports": [{"name": "http", "port": 8000}]}
    router.on_service("ADDED", {"metadata": {"namespace": NAMESPACE, "name": SERVICE}, "spec": spec})
    made = PlayedFleet(fleet, router)
    fleet.on_pod("ADDED", {**pod("none", PlayedCase(0, 5, 0)), "status": {}})  # so that the Service has an address
    try:
        while not (addresses := router.addresses()):
            await asyncio.sleep(0.1)
        yield made, str(addresses[0]["url"])
    finally:
        running.cancel()
        await fleet.close()
        await router.close()
