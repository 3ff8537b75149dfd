"""vLLM Production Stack's router (v0.1.12), simulated after its sources: for the pods of its chart on the platform.

It follows the pods of its namespace by a selector, keeps those whose containers are ready and that do not leave
(vllm_router/service_discovery.py), and sends each request to one of them: in turns, or to one that has seen the longest
beginning of the prompt (routers/routing_logic.py, prefix/hashtrie.py). It never sends one again. What it does not know
of the router's arguments ends it, as argparse does there. Left out: its series and its X-Request-Id header.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local.engine import adapters
from local.engine.engine import Engine, EngineState
from local.engine.fleet import EngineFleet
from local.engine.openai_api import handle

CONTAINER = "router-container"
# Of routers/main_router.py, those that the simulated engine answers.
ROUTED = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize", "/detokenize")
DEFAULT_GRACE_SECONDS = 30
CHUNK = 128


class Unknown(Exception):
    """An argument that it does not know."""


class _RouterParser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Unknown(message)


def options(arguments: list[str]) -> argparse.Namespace:
    """What its arguments say. Raises Unknown."""
    parser = _RouterParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--service-discovery", choices=["k8s"], required=True)
    parser.add_argument("--k8s-namespace", default="default")
    parser.add_argument("--k8s-service-discovery-type", choices=["pod-ip"], default="pod-ip")
    parser.add_argument("--k8s-port", type=int, default=8000)
    parser.add_argument("--k8s-label-selector", default="")
    parser.add_argument("--routing-logic", choices=["roundrobin", "prefixaware"], required=True)
    parser.add_argument("--engine-stats-interval", type=int)
    parser.add_argument("--request-stats-window", type=int)
    return parser.parse_args(arguments)


@dataclass
class _Seen:
    """Which servers have seen a beginning of a prompt."""

    servers: set[str] = field(default_factory=set)
    longer: dict[str, _Seen] = field(default_factory=dict)

    def longest(self, prompt: str, servers: set[str]) -> set[str]:
        """Those of `servers` that have seen most of it; all, where none has seen anything."""
        node, left = self, servers
        for chunk in _chunks(prompt):
            if chunk not in node.longer:
                break
            node = node.longer[chunk]
            if not node.servers & left:
                break
            left = node.servers & left
        return left

    def add(self, prompt: str, server: str) -> None:
        node = self
        for chunk in _chunks(prompt):
            node = node.longer.setdefault(chunk, _Seen())
            node.servers.add(server)


def _chunks(prompt: str) -> Iterator[str]:
    return (prompt[start : start + CHUNK] for start in range(0, len(prompt), CHUNK))


def prompt_of(body: Mapping[str, Any]) -> str:
    """What beginnings are compared of. Raises KeyError and TypeError where the router answers 500."""
    if "messages" not in body:
        if not isinstance(body["prompt"], str):
            raise TypeError("token ids have no beginning that it could hash")
        return str(body["prompt"])
    parts = []
    for message in body["messages"]:
        content = message.get("content", "")
        if isinstance(content, list):
            content = " ".join(part.get("text", "") for part in content if part.get("type") == "text")
        parts += [content] if content is not None else []
    return "\n".join(parts)


@dataclass
class _RouterPod:
    """One pod of a router: each remembers by itself."""

    labels: Mapping[str, str]
    asked: argparse.Namespace
    runs: bool
    grace_seconds: float
    turn: int = 0
    known_models: set[str] = field(default_factory=set)
    seen: _Seen = field(default_factory=_Seen)
    under_way: set[asyncio.Transport] = field(default_factory=set)
    leaves: bool = False


class StackRouters:
    """All router pods of the platform, by (namespace, name)."""

    def __init__(self, fleet: EngineFleet, log: Callable[[str], None]) -> None:
        self._fleet, self._log = fleet, log
        self._pods: dict[tuple[str, str], _RouterPod] = {}

    def on_pod(self, event: str, item: Mapping[str, Any]) -> None:
        """Takes a watch event; pods of others are passed over."""
        containers = (item.get("spec") or {}).get("containers") or []
        container = next((each for each in containers if each.get("name") == CONTAINER), None)
        if container is None:
            return
        metadata = item["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if event == "DELETED" or "deletionTimestamp" in metadata:
            self._leave(key, forget=event == "DELETED")
            return
        statuses = (item.get("status") or {}).get("containerStatuses") or []
        runs = any("running" in (status.get("state") or {}) for status in statuses)
        if key in self._pods:
            self._pods[key].runs = runs
            return
        try:
            asked = options(list(container.get("args") or []))
        except Unknown as error:
            self._log(f"ERROR (simulated) router {'/'.join(key)} did not start: {error}")
            return
        grace = item["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
        self._pods[key] = _RouterPod(metadata.get("labels") or {}, asked, runs, float(grace))

    def _leave(self, key: tuple[str, str], forget: bool) -> None:
        """SIGTERM: it takes nothing new, and what is under way after the grace period is cut."""
        pod = self._pods.get(key)
        if pod is None:
            return
        if forget:
            self._pods.pop(key)
        if not pod.leaves:
            pod.leaves = True
            asyncio.get_running_loop().call_later(pod.grace_seconds, _cut, pod)

    def labels(self) -> list[tuple[str, Mapping[str, str]]]:
        """Namespace and labels of each pod."""
        return [(namespace, pod.labels) for (namespace, _), pod in self._pods.items()]

    def has(self, namespace: str, name: str) -> bool:
        """Whether it is a router that runs."""
        pod = self._pods.get((namespace, name))
        return pod is not None and pod.runs and not pod.leaves

    async def answer(self, request: web.BaseRequest, namespace: str, name: str) -> web.StreamResponse:
        """What the router's pod answers."""
        pod = self._pods[namespace, name]
        if request.path == "/health":
            return web.json_response({"status": "healthy"})
        engines = self._engines(pod)
        if request.path == "/v1/models" and request.method == "GET":
            return await self._listing(request, engines)
        if request.path not in ROUTED:
            return web.json_response({"detail": "Not Found"}, status=404)
        return await self._route(pod, engines, request)

    async def _listing(self, request: web.BaseRequest, engines: dict[str, Engine]) -> web.StreamResponse:
        for engine in engines.values():
            return await handle(engine, request, request.path)
        return web.json_response({"object": "list", "data": []})

    async def _route(self, pod: _RouterPod, engines: dict[str, Engine], request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = json.loads(await request.read())
        except ValueError:
            return web.json_response({"error": "Request body is not JSON parsable."}, status=400)
        model = body.get("model")
        if model is None:
            return web.json_response({"error": "Invalid request: missing 'model' in request body."}, status=400)
        pod.known_models.update(*map(_models_of, engines.values()))
        serving = {name: engine for name, engine in engines.items() if model in _models_of(engine)}
        if not serving:
            return _none(model, pod.known_models)
        try:
            chosen = self._choose(pod, sorted(serving), body)
        except (KeyError, TypeError):
            return web.Response(status=500, text="Internal Server Error")
        transport = request.transport
        if isinstance(transport, asyncio.Transport):
            pod.under_way.add(transport)
        try:
            return await handle(serving[chosen], request, request.path)
        finally:
            if isinstance(transport, asyncio.Transport):
                pod.under_way.discard(transport)

    def _choose(self, pod: _RouterPod, servers: list[str], body: Mapping[str, Any]) -> str:
        if pod.asked.routing_logic == "roundrobin":
            pod.turn += 1
            return servers[(pod.turn - 1) % len(servers)]
        prompt = prompt_of(body)
        chosen = random.choice(sorted(pod.seen.longest(prompt, set(servers))))
        pod.seen.add(prompt, chosen)
        return chosen

    def _engines(self, pod: _RouterPod) -> dict[str, Engine]:
        """Those that it has found: by pod name."""
        selector = dict(pair.split("=") for pair in pod.asked.k8s_label_selector.split(",") if pair)
        return {
            member.pod.name: member.engine
            for member in self._fleet.members.values()
            if member.pod.namespace == pod.asked.k8s_namespace
            and selector.items() <= member.pod.labels.items()
            and member.pod.container_running
            and not member.pod.deleting
            and member.engine is not None
            and member.engine.state is EngineState.SERVING
            and member.engine.config.arguments.port == pod.asked.k8s_port
        }


def _models_of(engine: Engine) -> set[str]:
    """What its /v1/models names."""
    return {*engine.served_names, *(str(card["id"]) for card in adapters.cards(engine))}


def _none(model: str, known: set[str]) -> web.Response:
    if model in known:
        why = f"Model '{model}' is temporarily unavailable. Please try again later."
        return web.json_response({"error": why}, status=503)
    why = f"Model '{model}' not found. Available models can be listed at /v1/models."
    return web.json_response({"error": why}, status=404)


def _cut(pod: _RouterPod) -> None:
    for transport in pod.under_way:
        transport.abort()
