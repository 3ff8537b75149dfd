"""The admin port: reaches a pod's engine directly, as an in-cluster scraper would by pod IP.

GET /pods/NAMESPACE/POD/PATH is what Prometheus is relabelled to; /ports/NAMESPACE/POD/PORT/PATH reaches the ports of
Ray's pods; GET /engines lists states; GET /metrics is the router's own; GET /healthz.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import aiohttp
from aiohttp import web

from local.engine.engine import Engine
from local.engine.fleet import EngineFleet, Member
from local.engine.metrics import CONTENT_TYPE
from local.engine.openai_api import handle, refused
from local.engine.pod_ports import PodPorts
from local.engine.ports import HOST
from local.vllm_cpu.real_fleet import RealFleet
from local.vllm_cpu.running_pod import RunningPod, figures


class PortsOfPods(Protocol):
    """Who answers for further ports of pods."""

    async def answer(
        self, request: web.BaseRequest, namespace: str, pod: str, port: int, path: str
    ) -> web.StreamResponse | None: ...


def admin_handler(
    fleet: EngineFleet | RealFleet,
    router_metrics: Callable[[], str] = str,
    pod_ports: PodPorts | None = None,
    others: PortsOfPods | None = None,
) -> web.Server:
    """The admin server over these engines; `router_metrics`: Prometheus text of the router in front of them."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        parts = request.path.split("/", 4)
        if request.path == "/healthz":
            return web.Response(text="ok")
        if request.path == "/metrics":
            return web.Response(text=router_metrics(), headers={"Content-Type": CONTENT_TYPE})
        if request.path == "/listening" and pod_ports is not None:
            port = await pod_ports.of(request.query.get("address", ""))
            return web.json_response({"port": port}, status=200 if port else 404)
        if request.path == "/engines":
            return web.json_response(_states(fleet))
        if len(parts) == 5 and parts[1] == "ports" and others is not None:
            number, _, rest = parts[4].partition("/")
            asked = int(number) if number.isdigit() else 0
            answer = await others.answer(request, parts[2], parts[3], asked, f"/{rest}")
            return answer or refused(None, f"nothing listens on port {number} of pod {parts[2]}/{parts[3]}")
        if len(parts) == 5 and parts[1] == "pods":
            member = fleet.members.get((parts[2], parts[3]))
            if member is None:
                kind = "simulated engine" if isinstance(fleet, EngineFleet) else "server here"
                message = f"pod {parts[2]}/{parts[3]} has no {kind}"
                return web.json_response({"error": {"message": message, "code": 404}}, status=404)
            if isinstance(member, RunningPod):
                return await _forwarded(request, member, f"/{parts[4]}")
            if member.engine is None:
                text = member.failure.text if member.failure else "the pod has no node yet"
                return refused(None, text)
            return await handle(member.engine, request, f"/{parts[4]}")
        return web.json_response({"detail": "Not Found"}, status=404)

    return web.Server(answer, handler_cancellation=True, access_log=None)


async def _forwarded(request: web.BaseRequest, member: RunningPod, path: str) -> web.StreamResponse:
    """What the pod's own process answers; 503 while it does not listen, as for a refused connection."""
    if member.server is None:
        return refused(None, f"the process of {member.pod.name} does not run")
    url = f"http://{HOST}:{member.server.port}{path}"
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=60)) as session,
            session.request(request.method, url, data=await request.read() or None) as response,
        ):
            kept = {name: value for name, value in response.headers.items() if name == "Content-Type"}
            return web.Response(status=response.status, body=await response.read(), headers=kept)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return refused(None, f"the process of {member.pod.name}: {error}")


def _states(fleet: EngineFleet | RealFleet) -> list[dict[str, object]]:
    members: list[Member | RunningPod] = [fleet.members[key] for key in sorted(fleet.members)]
    return [
        {
            "namespace": member.pod.namespace,
            "pod": member.pod.name,
            "state": str(member.state),
            "in_flight": member.engine.in_flight if isinstance(member, Member) and member.engine else 0,
            "failure": member.failure.text if member.failure else None,
            "simulated": isinstance(fleet, EngineFleet),
            **(figures(member) if isinstance(member, RunningPod) else _figures(member.engine)),
        }
        for member in members
    ]


def _figures(engine: Engine | None) -> dict[str, object]:
    """What the simulated GPU exporter makes its series of, and the port that the engine listens on."""
    if engine is None:
        return {"port": None, "running": 0, "busy_seconds": 0.0, "gpu_memory_utilization": 0.0}
    return {
        "port": engine.config.arguments.port,
        "running": len(engine.batcher.running),
        "busy_seconds": engine.busy_seconds,
        "gpu_memory_utilization": engine.config.arguments.gpu_memory_utilization,
    }
