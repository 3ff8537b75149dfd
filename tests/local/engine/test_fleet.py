"""Pods and their engines: start, crash, drain, gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from local.engine import kube
from local.engine.engine import EngineState
from local.engine.flags import UsageError
from local.engine.pods import crash_status, view
from tests.local.engine.simulated import FakeApi, deleting, fleet, pod, run, settle


def test_an_engine_serves_only_once_its_container_runs() -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        pods.on_pod("ADDED", pod(node=None, running=False))
        await settle()
        assert pods.engine("models", "qwen-0") is None
        pods.on_pod("MODIFIED", pod(running=False))
        await settle()
        engine = pods.engine("models", "qwen-0")
        assert engine is not None
        assert engine.state is EngineState.LOADING
        pods.on_pod("MODIFIED", pod(running=True))
        assert engine.state is EngineState.SERVING
        assert engine.served_names == ("qwen",)

    run(work)


def test_a_pod_without_a_vllm_container_has_no_engine() -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        item = pod()
        item["spec"]["containers"][0]["name"] = "nginx"
        pods.on_pod("ADDED", item)
        await settle()
        assert pods.members == {}

    run(work)


@pytest.mark.parametrize(
    ("arguments", "gpus", "exit_code", "message"),
    [
        (["--no-such-flag"], 1, 2, "unrecognized arguments: --no-such-flag"),
        (["--tensor-parallel-size=4"], 1, 1, "World size (4) is larger than the number of available GPUs (1)"),
        (["--gpu-memory-utilization=0.1"], 1, 1, "To serve at least one request with the model's max seq len (4096)"),
    ],
)
def test_a_pod_that_vllm_refuses_is_never_ready(arguments: list[str], gpus: int, exit_code: int, message: str) -> None:
    api, lines = FakeApi(), list[str]()

    async def work() -> None:
        pods = fleet(api, lines)
        pods.on_pod("ADDED", pod("qwen-0", *arguments, gpus=gpus, running=False))
        await settle()
        assert pods.members["models", "qwen-0"].state is EngineState.CRASHED
        assert pods.engine("models", "qwen-0") is None

    run(work)
    (path, patch) = api.patches[0]
    assert path == "/api/v1/namespaces/models/pods/qwen-0"
    status = patch["status"]["containerStatuses"][0]
    assert (status["ready"], status["started"], status["restartCount"]) == (False, False, 1)
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["lastState"]["terminated"]["exitCode"] == exit_code
    assert message in status["lastState"]["terminated"]["message"]
    assert {c["type"]: c["status"] for c in patch["status"]["conditions"]}["Ready"] == "False"
    assert any(message in line and "(simulated)" in line for line in lines)


def test_a_crash_that_kwok_wrote_over_is_written_again() -> None:
    api = FakeApi()

    async def work() -> None:
        pods = fleet(api)
        pods.on_pod("ADDED", pod("qwen-0", "--no-such-flag", running=False))
        await settle()
        pods.on_pod("MODIFIED", pod("qwen-0", "--no-such-flag", running=True))
        await settle()
        assert len(api.patches) == 2
        crashed = pod("qwen-0", "--no-such-flag")
        crashed["status"] = api.patches[1][1]["status"]
        pods.on_pod("MODIFIED", crashed)
        await settle()
        assert len(api.patches) == 2  # it is there now

    run(work)


def test_the_crash_status_keeps_the_other_containers() -> None:
    item = pod()
    item["status"]["containerStatuses"].append({"name": "sidecar", "ready": True, "restartCount": 3})
    seen = view(item)
    assert seen is not None
    status = crash_status(seen, UsageError("no"), datetime(2026, 11, 21, tzinfo=UTC))["status"]
    assert [(s["name"], s["ready"]) for s in status["containerStatuses"]] == [("sidecar", True), ("vllm", False)]
    assert status["startTime"] == "2026-11-21T00:00:00Z"


def test_a_deleted_pod_is_removed_when_the_api_server_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "RETRY_SECONDS", (0.0,))
    lines: list[str] = []

    class Away(FakeApi):
        tried = 0

        async def delete_now(self, path: str, uid: str) -> None:
            self.tried += 1
            if self.tried < 4:
                raise TimeoutError("no answer")
            await super().delete_now(path, uid)

    api = Away()

    async def work() -> None:
        pods = fleet(api, lines)
        item = pod("qwen-0", uid="u1")
        pods.on_pod("ADDED", item)
        await settle()
        pods.on_pod("MODIFIED", deleting(item))
        while not api.deleted:
            await settle()

    run(work)
    assert [uid for _, uid in api.deleted] == ["u1"]
    assert len([line for line in lines if "trying again: no answer" in line]) == 1


def test_a_deleted_pod_drains_and_is_then_removed() -> None:
    api = FakeApi()

    async def work() -> None:
        pods = fleet(api)
        item = pod("qwen-0", "--shutdown-timeout=20", uid="u1")
        pods.on_pod("ADDED", item)
        await settle()
        engine = pods.engine("models", "qwen-0")
        assert engine is not None
        answer = engine.generate(10, 40, "length")
        first = await anext(answer)
        pods.on_pod("MODIFIED", deleting(item))
        pods.on_pod("MODIFIED", deleting(item))  # a repeated event drains once
        await settle()
        assert engine.state is EngineState.DRAINING
        assert api.deleted == []
        async for sequence in answer:
            first = sequence
        assert (first.generated, first.finish_reason) == (40, "length")
        await asyncio.sleep(0.05)
        assert engine.state is EngineState.STOPPED
        assert api.deleted == [("/api/v1/namespaces/models/pods/qwen-0", "u1")]

    run(work)


def test_new_requests_are_still_taken_during_the_pre_stop_hook() -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        item = pod("qwen-0", lifecycle={"preStop": {"sleep": {"seconds": 1}}})
        pods.on_pod("ADDED", item)
        await settle()
        engine = pods.engine("models", "qwen-0")
        assert engine is not None
        pods.on_pod("MODIFIED", deleting(item))
        await asyncio.sleep(0.05)
        assert engine.state is EngineState.SERVING

    run(work)


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ({"sleep": {"seconds": 15}}, 15),
        ({"exec": {"command": ["sleep", "7"]}}, 7),
        ({"exec": {"command": ["/bin/sh", "-c", "sleep 12; echo done"]}}, 12),
        ({"exec": {"command": ["python3", "-c", "sleep 3", '{"sleep_seconds": 9, "engine_seconds": 30}']}}, 9),
        ({"exec": {"command": ["python3", "-c", "pass", '{"port": 29500, "seconds": 135}']}}, 0),
        ({"httpGet": {"path": "/", "port": 1}}, 0),
        (None, 0),
    ],
)
def test_the_length_of_a_pre_stop_hook_is_read(hook: dict[str, object] | None, seconds: float) -> None:
    seen = view(pod("qwen-0", **({"lifecycle": {"preStop": hook}} if hook else {})))
    assert seen is not None
    assert seen.pre_stop_seconds == seconds


def test_a_pod_that_vanishes_without_warning_takes_its_requests_with_it() -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        pods.on_pod("ADDED", pod())
        await settle()
        engine = pods.engine("models", "qwen-0")
        assert engine is not None
        pods.on_pod("DELETED", pod())
        assert engine.state is EngineState.STOPPED
        assert pods.members == {}

    run(work)


def test_a_late_event_of_an_earlier_pod_of_that_name_changes_nothing() -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        pods.on_pod("ADDED", pod(uid="old"))
        pods.on_pod("ADDED", pod(uid="new"))
        await settle()
        engine = pods.engine("models", "qwen-0")
        pods.on_pod("DELETED", pod(uid="old"))
        assert pods.engine("models", "qwen-0") is engine
        assert pods.members["models", "qwen-0"].pod.uid == "new"

    run(work)


def test_the_gpu_of_the_node_decides_speed_and_room() -> None:
    async def work() -> None:
        rates = []
        for kind in ("g6.xlarge", "p5.4xlarge"):
            pods = fleet(FakeApi({"node.kubernetes.io/instance-type": kind}))
            pods.on_pod("ADDED", pod())
            await settle()
            engine = pods.engine("models", "qwen-0")
            assert engine is not None
            rates.append(engine.config.rates)
        assert rates[1].weights_read_seconds < rates[0].weights_read_seconds
        assert rates[1].kv_cache_tokens > rates[0].kv_cache_tokens

    run(work)
