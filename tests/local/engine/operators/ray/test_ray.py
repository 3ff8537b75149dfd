"""Ray clusters beside KubeRay: what a head is told, which replicas that makes, and when a worker is Ready."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient

from components.serving.backends.ray import ray_service
from local.engine.admin import admin_handler
from local.engine.operators.ray.door import Ray
from local.engine.operators.ray.serve_config import Application, build
from tests.components.plans import MODEL, on
from tests.local.engine.simulated import FakeApi, fleet, run

HEAD, WORKER = "chat-abcde-head-x", "chat-abcde-gpu-worker-x"
LABELS = {"ray.io/cluster": "chat-abcde"}
RAY_MODEL = on(MODEL, "ray")
APPLICATIONS = "/api/serve/applications/"


def rendered() -> dict[str, Any]:
    """The config that our own RayService has."""
    found: dict[str, Any] = json.loads(ray_service(RAY_MODEL, "none")["spec"]["serveConfigV2"])
    return found


def ray_pod(name: str, node_type: str, ready: bool = True, uid: str = "") -> dict[str, Any]:
    container = "ray-head" if node_type == "head" else "ray-worker"
    status = {"name": container, "ready": ready, "started": ready, "state": {"running": {}}}
    return {
        "metadata": {
            "namespace": "models",
            "name": name,
            "uid": uid or name,
            "resourceVersion": "1",
            "labels": {**LABELS, "ray.io/node-type": node_type},
        },
        "spec": {
            "nodeName": "n1",
            "containers": [
                {
                    "name": container,
                    "image": "rayproject/ray-llm:2.56.0-py312-cu130",
                    "command": ["/bin/bash", "-c", "--"],
                    "args": ["ulimit -n 65536; ray start --num-gpus=1"],
                    "ports": [{"containerPort": 8000}],
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def _ready_of(status: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status["conditions"])


class Platform:
    """Pods, the API server's part in them, and the door of the engine process."""

    def __init__(self, folder: Path, cold_start_seconds: float = 0.0) -> None:
        self.api, self.pods = FakeApi(), dict[str, dict[str, Any]]()
        self.fleet = fleet(self.api)
        self.ray = Ray(self.fleet, self.api, folder, cold_start_seconds, lambda line: None)
        self.written = 0

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        self.pods[item["metadata"]["name"]] = item
        self.fleet.on_pod(event, item)
        self.ray.on_pod(event, item)

    async def settle(self, rounds: int = 6) -> None:
        """Rounds of the controller; what it writes of pods comes back by the watch."""
        for _ in range(rounds):
            for cluster in self.ray.clusters.by_key.values():
                await self.ray.replicas.reconcile(cluster)
            for path, patch in self.api.patches[self.written :]:
                item = copy.deepcopy(self.pods[path.rpartition("/")[2]])
                item["status"] |= patch["status"]
                self.on_pod("MODIFIED", item)
            self.written = len(self.api.patches)
            await asyncio.sleep(0.01)

    def is_ready(self, pod: str) -> bool:
        return _ready_of(self.pods[pod]["status"])

    def client(self) -> TestClient[Any, Any]:
        return TestClient(RawTestServer(admin_handler(self.fleet, others=self.ray).request_handler))


async def put(client: Any, config: dict[str, Any]) -> tuple[int, str]:
    answer = await client.put(f"/ports/models/{HEAD}/8265{APPLICATIONS}", json=config)
    return answer.status, await answer.text()


async def application(client: Any) -> dict[str, Any]:
    """As KubeRay asks."""
    answer = await client.get(f"/ports/models/{HEAD}/8265{APPLICATIONS}?api_type=declarative")
    found: dict[str, Any] = (await answer.json())["applications"]
    return next(iter(found.values()), {})


def started(folder: Path, workers: int = 1) -> Platform:
    platform = Platform(folder)
    platform.on_pod("ADDED", ray_pod(HEAD, "head"))
    for number in range(workers):
        platform.on_pod("ADDED", ray_pod(f"{WORKER}{number}", "worker", ready=False))
    return platform


def test_a_worker_is_ready_when_the_head_was_told_a_model_and_a_replica_serves_it(tmp_path: Path) -> None:
    async def work() -> None:
        platform = started(tmp_path)
        async with platform.client() as client:
            await platform.settle()
            assert await application(client) == {}
            assert not platform.is_ready(f"{WORKER}0")
            refused = await client.get(f"/ports/models/{WORKER}0/8000/v1/models")
            assert refused.status == 503
            assert await put(client, rendered()) == (200, "")
            assert (await application(client))["status"] == "DEPLOYING"
            await platform.settle()
            assert (await application(client))["status"] == "RUNNING"
            assert platform.is_ready(f"{WORKER}0")
            served = await (await client.get(f"/ports/models/{WORKER}0/8000/v1/models")).json()
            assert [card["id"] for card in served["data"]] == [RAY_MODEL.served_name]
            # Ray's proxy has none of vLLM's own paths
            assert (await client.get(f"/ports/models/{WORKER}0/8000/metrics")).status == 404
            series = await (await client.get(f"/ports/models/{WORKER}0/8080/metrics")).text()
            assert "\nray_vllm_num_requests_running{" in series
            assert "vllm:" not in series
            for port, path in ((8265, "/api/gcs_healthz"), (52365, "/api/local_raylet_healthz")):
                assert await (await client.get(f"/ports/models/{HEAD}/{port}{path}")).text() == "success"
            assert (await client.get(f"/ports/models/{HEAD}/8265/api/jobs/")).status == 404

    run(work)


def test_changed_arguments_stop_the_only_replica_before_the_new_one_starts(tmp_path: Path) -> None:
    """As ray does it in place: the product must not count on it."""

    async def work() -> None:
        platform = started(tmp_path)
        async with platform.client() as client:
            await put(client, rendered())
            await platform.settle()
            changed = rendered()
            changed["applications"][0]["args"]["llm_configs"][0]["engine_kwargs"]["max_num_seqs"] = 32
            await put(client, changed)
            assert (await application(client))["status"] == "DEPLOYING"
            await platform.settle()
            assert [_ready_of(patch["status"]) for _, patch in platform.api.patches] == [True, False, True]
            engine = platform.fleet.engine("models", f"{WORKER}0")
            assert engine is not None
            assert engine.config.max_num_seqs == 32

    run(work)


def test_a_worker_found_ready_after_a_restart_of_ours_is_not_ready_until_its_replica_serves(tmp_path: Path) -> None:
    """Its engine was in the process that ended: the cold start begins again."""

    async def work() -> None:
        platform = started(tmp_path)
        async with platform.client() as client:
            await put(client, rendered())
        again = Platform(tmp_path, cold_start_seconds=0.05)
        again.on_pod("ADDED", ray_pod(HEAD, "head"))
        again.on_pod("ADDED", ray_pod(f"{WORKER}0", "worker", ready=True))
        await again.settle(3)
        assert [_ready_of(patch["status"]) for _, patch in again.api.patches] == [False]
        await asyncio.sleep(0.1)
        await again.settle(3)
        assert [_ready_of(patch["status"]) for _, patch in again.api.patches] == [False, True]

    run(work)


def test_of_three_replicas_one_at_a_time_is_replaced(tmp_path: Path) -> None:
    async def work() -> None:
        platform = started(tmp_path, workers=3)
        config = rendered()
        options = config["applications"][0]["args"]["llm_configs"][0]["deployment_config"]
        options["autoscaling_config"] |= {"min_replicas": 3, "max_replicas": 3, "initial_replicas": 3}
        async with platform.client() as client:
            await put(client, config)
            await platform.settle()
            assert sum(platform.is_ready(f"{WORKER}{number}") for number in range(3)) == 3
            options["graceful_shutdown_timeout_s"] = 1
            await put(client, config)
            least = 3
            for _ in range(30):
                await platform.settle(1)
                least = min(least, sum(platform.is_ready(f"{WORKER}{number}") for number in range(3)))
            assert least == 2
            assert (await application(client))["status"] == "RUNNING"

    run(work)


def test_a_head_that_is_replaced_knows_nothing_and_the_same_one_all_after_a_restart_of_ours(tmp_path: Path) -> None:
    async def work() -> None:
        platform = started(tmp_path)
        async with platform.client() as client:
            await put(client, rendered())
        again = started(tmp_path)
        async with again.client() as client:
            await again.settle()
            assert (await application(client))["status"] == "RUNNING"
            again.on_pod("DELETED", ray_pod(HEAD, "head"))
            again.on_pod("ADDED", ray_pod(HEAD, "head", uid="another"))
            await again.settle()
            assert await application(client) == {}
            assert not again.is_ready(f"{WORKER}0")

    run(work)


@pytest.mark.parametrize(
    ("path", "value", "status", "told"),
    [
        (("applications",), None, 400, "applications"),
        (("proxy_location",), "Everywhere", 400, "EveryNode"),
        (("applications", 0, "import_path"), "nothing", 400, "Got invalid import path"),
        (("applications", 0, "args", "llm_configs", 0, "model"), "x", 200, "Extra inputs are not permitted"),
        (("applications", 0, "args", "llm_configs", 0, "engine_kwargs", "max_model_length"), 1, 200, "Unknown engine"),
        (("applications", 0, "args", "llm_configs", 0, "engine_kwargs", "model"), "x", 200, "model_loading_config"),
        (
            ("applications", 0, "args", "llm_configs", 0, "placement_group_config", "strategy"),
            "ALL",
            200,
            "STRICT_PACK",
        ),
        (
            ("applications", 0, "args", "llm_configs", 0, "deployment_config", "autoscaling_config", "max_replicas"),
            0,
            200,
            "greater than",
        ),
        (("applications", 0, "args", "llm_configs", 0, "deployment_config", "replicas"), 1, 200, "Extra inputs"),
    ],
)
def test_what_ray_refuses_is_refused(tmp_path: Path, path: tuple[Any, ...], value: Any, status: int, told: str) -> None:
    """A wrong schema at once; wrong arguments of the builder make the application fail."""

    async def work() -> None:
        platform, config = started(tmp_path), rendered()
        place = config
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        async with platform.client() as client:
            answered, text = await put(client, config)
            assert answered == status
            found = await application(client)
            if status == 200:
                assert found["status"] == "DEPLOY_FAILED"
                text = found["message"]
            assert told in text

    run(work)


def test_arguments_that_the_engine_refuses_make_the_application_fail(tmp_path: Path) -> None:
    async def work() -> None:
        platform, config = started(tmp_path), rendered()
        config["applications"][0]["args"]["llm_configs"][0]["engine_kwargs"]["gpu_memory_utilization"] = 0.01
        async with platform.client() as client:
            await put(client, config)
            await platform.settle()
            found = await application(client)
            assert found["status"] == "DEPLOY_FAILED"
            assert "KV cache" in found["message"]
            assert not platform.is_ready(f"{WORKER}0")

    run(work)


def test_only_the_builder_that_is_rendered_is_simulated() -> None:
    built = build(Application(name="x", import_path="mine:app"))
    assert "not simulated" in built.failure
