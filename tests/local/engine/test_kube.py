"""Watching: what changed while the API server was away is noticed, and writes go where they belong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from local.engine.kube import KubeApi, WriteRefused
from tests.local.engine.simulated import run


def _object(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}}


class _Cluster:
    """An API server of one collection: what it lists, and per watch the events it sends before it hangs up."""

    def __init__(self, lists: list[list[dict[str, Any]]], watches: list[list[dict[str, Any]] | int]) -> None:
        self.lists = lists
        self.watches = watches
        self.requests: list[tuple[str, str, str, bytes]] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        kind = request.headers.get("Content-Type", "")
        self.requests.append((request.method, request.path_qs, kind, body))
        if request.method != "GET":
            if request.path.endswith(("/gone", "/refused")):
                return web.Response(status=404 if request.path.endswith("/gone") else 422, text="spec.x: is wrong")
            return web.json_response({})
        if "watch" in request.query:
            return await self._watch(request)
        items = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        return web.json_response({"metadata": {"resourceVersion": "10"}, "items": items})

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        script = self.watches.pop(0) if self.watches else []
        if isinstance(script, int):
            return web.Response(status=script)
        response = web.StreamResponse()
        await response.prepare(request)
        for event in script:
            await response.write(json.dumps(event).encode() + b"\n")
        if not self.watches:
            await asyncio.sleep(5)
        if script and script[-1]["type"] == "BOOKMARK":
            await response.write_eof()
            return response
        assert request.transport is not None
        request.transport.abort()  # the server died
        return response


@asynccontextmanager
async def _api(cluster: _Cluster, folder: Path) -> AsyncIterator[KubeApi]:
    async with RawTestServer(cluster.answer) as server:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": str(server.make_url("")).rstrip("/")}}],
            "users": [{"name": "u", "user": {"token": "secret-token"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file = folder / "kubeconfig"
        file.write_text(json.dumps(config))
        async with KubeApi(file) as api:
            yield api


def _followed(cluster: _Cluster, folder: Path, expected: int) -> tuple[list[tuple[str, str]], list[str]]:
    events: list[tuple[str, str]] = []
    lines: list[str] = []

    async def work() -> None:
        async with _api(cluster, folder) as api:
            task = asyncio.create_task(
                api.follow("/api/v1/pods", lambda kind, o: events.append((kind, o["metadata"]["name"])), lines.append)
            )
            while len(events) < expected:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()

    run(work)
    return events, lines


def test_events_are_followed_and_the_watch_goes_on_where_it_ended(tmp_path: Path) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "44"}}}
    cluster = _Cluster(
        [[_object("a")]],
        [
            [{"type": "ADDED", "object": _object("b", 11)}, bookmark],
            [{"type": "DELETED", "object": _object("a", 45)}],
        ],
    )
    events, lines = _followed(cluster, tmp_path, 3)
    assert events == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    assert [path.rpartition("=")[2] for _, path, _, _ in cluster.requests if "watch" in path] == ["10", "44"]
    assert lines == []


def test_after_a_restart_of_the_server_only_the_difference_is_told(tmp_path: Path) -> None:
    cluster = _Cluster(
        [
            [_object("stays"), _object("goes"), _object("changes")],
            [_object("stays"), _object("changes", 7), _object("new")],
        ],
        [[{"type": "MODIFIED", "object": _object("goes", 12)}], []],
    )
    events, lines = _followed(cluster, tmp_path, 7)
    assert events[3] == ("MODIFIED", "goes")
    assert sorted(events[4:]) == [("ADDED", "changes"), ("ADDED", "new"), ("DELETED", "goes")]
    assert len(lines) == 1
    assert "watch of /api/v1/pods interrupted" in lines[0]


def test_a_resource_version_that_is_too_old_leads_to_a_new_list(tmp_path: Path) -> None:
    cluster = _Cluster([[_object("a")], [_object("b")]], [410, []])
    events, lines = _followed(cluster, tmp_path, 3)
    assert events == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]
    assert lines == []


def test_writes_carry_what_the_api_server_needs(tmp_path: Path) -> None:
    cluster = _Cluster([[]], [])

    async def work() -> None:
        async with _api(cluster, tmp_path) as api:
            assert await api.patch_status("/api/v1/namespaces/n/pods/p", {"status": {"phase": "Running"}})
            await api.delete_now("/api/v1/namespaces/n/pods/p", "u1")

    run(work)
    (patch, delete) = cluster.requests
    assert patch[:3] == ("PATCH", "/api/v1/namespaces/n/pods/p/status", "application/strategic-merge-patch+json")
    assert delete[:2] == ("DELETE", "/api/v1/namespaces/n/pods/p")
    assert json.loads(delete[3]) == {"gracePeriodSeconds": 0, "preconditions": {"uid": "u1"}}


def test_what_a_controller_writes_says_whose_it_is_and_a_refusal_says_why(tmp_path: Path) -> None:
    cluster = _Cluster([[]], [])

    async def work() -> None:
        async with _api(cluster, tmp_path) as api:
            await api.create("/pods", {"a": 1}, "kubeai-manager")
            assert await api.merge("/models/m/scale", {"spec": {"replicas": 1}}, "kubeai-manager")
            assert not await api.merge("/models/gone", {}, "manager")
            await api.delete("/pods/p")
            await api.delete("/pods/gone")
            with pytest.raises(WriteRefused, match="POST /pods/refused: 422 spec"):
                await api.create("/pods/refused", {}, "manager")

    run(work)
    (create, merge, *_) = cluster.requests
    assert create[:2] == ("POST", "/pods?fieldManager=kubeai-manager")
    assert merge[:3] == ("PATCH", "/models/m/scale?fieldManager=kubeai-manager", "application/merge-patch+json")
