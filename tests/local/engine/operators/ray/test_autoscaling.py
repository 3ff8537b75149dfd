"""Ray's autoscalers: when Serve wants other replicas, and what the cluster's asks of KubeRay for them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from local.engine.operators.ray.autoscaling import ServeDecision, wanted_workers
from local.engine.operators.ray.serve_config import Autoscaling
from tests.local.engine.operators.ray.test_ray import HEAD, RAY_MODEL, WORKER, Platform, put, ray_pod, rendered, started
from tests.local.engine.simulated import run

BOUNDS = Autoscaling(
    min_replicas=1, max_replicas=4, target_ongoing_requests=2, upscale_delay_s=10, downscale_delay_s=20
)
CLUSTER = "/apis/ray.io/v1/namespaces/models/rayclusters/chat-abcde"


def _after(decision: ServeDecision, loads: list[tuple[float, int]], running: int, target: int) -> list[int]:
    """The target after each second of each (seconds, requests in flight)."""
    targets, now = [], 0.0
    for until, in_flight in loads:
        while now < until:
            target = decision.target(now, in_flight, running, target, BOUNDS)
            targets.append(target)
            now += 1.0
    return targets


def test_serve_adds_what_the_mean_asks_for_when_it_was_asked_for_the_whole_delay() -> None:
    targets = _after(ServeDecision(), [(30, 5)], running=1, target=1)
    assert targets[:10] == [1] * 10
    assert targets[10:] == [3] * 20, "five in flight by two, rounded up"


def test_serve_never_wants_more_or_fewer_than_its_bounds() -> None:
    assert _after(ServeDecision(), [(12, 100)], running=1, target=1)[-1] == 4
    assert _after(ServeDecision(), [(60, 0)], running=4, target=4)[-1] == 1


def test_a_pause_shorter_than_the_look_back_moves_nothing_down() -> None:
    """The mean of the last 30 s counts, and the delay begins again whenever it is enough."""
    assert set(_after(ServeDecision(), [(30, 4), (40, 0), (70, 4)], running=2, target=2)) == {2}


def test_one_that_is_not_wanted_goes_after_the_delay_down() -> None:
    targets = _after(ServeDecision(), [(30, 4), (120, 0)], running=2, target=2)
    # 30 s with a mean above 2, from 46 s on below: 20 s later one goes.
    assert targets.index(1) == pytest.approx(66, abs=1)


def test_a_deployment_of_which_nothing_runs_is_left_alone() -> None:
    assert _after(ServeDecision(), [(60, 50)], running=0, target=2) == [2] * 60
    assert ServeDecision().target(0, 3, 0, 0, BOUNDS) == 1


@pytest.mark.parametrize(
    ("target", "workers", "wanted"),
    [
        (2, {"a": 0.0}, (2, [])),
        (9, {"a": 0.0}, (4, [])),
        (1, {"a": 0.0, "b": 59.0}, (2, [])),
        (1, {"a": 0.0, "b": 60.0}, (1, ["b"])),
        (1, {"a": 70.0, "b": 60.0, "c": 0.0}, (1, ["a", "b"])),
        (1, {"a": 70.0, "b": 60.0}, (1, ["a"])),
        (0, {"a": 70.0}, (1, [])),
    ],
)
def test_a_worker_comes_for_each_replica_and_goes_when_idle(
    target: int, workers: dict[str, float], wanted: tuple[int, list[str]]
) -> None:
    """The longest idle first; never more than maxReplicas nor fewer than minReplicas."""
    assert wanted_workers({"minReplicas": 1, "maxReplicas": 4}, target, workers, 60.0) == wanted


class _ClusterApi:
    """The RayCluster, as the API server has it."""

    def __init__(self, platform: Platform) -> None:
        self.group: dict[str, Any] = {"replicas": 1, "minReplicas": 1, "maxReplicas": 2, "scaleStrategy": {}}
        self.platform = platform

    async def get(self, path: str) -> dict[str, Any] | None:
        if path == CLUSTER:
            return {"spec": {"workerGroupSpecs": [self.group], "autoscalerOptions": {"idleTimeoutSeconds": 5}}}
        return {"metadata": {"labels": {}}}

    def apply(self) -> list[Any]:
        """Takes the patches over; their values in order."""
        values = []
        for path, operations in self.platform.api.json_patches:
            assert path == CLUSTER
            for operation in operations:
                self.group[operation["path"].rpartition("/")[2]] = operation["value"]
                values.append(operation["value"])
        self.platform.api.json_patches.clear()
        return values


def _with_autoscaler(folder: Path) -> tuple[Platform, _ClusterApi]:
    platform = started(folder)
    head = ray_pod(HEAD, "head", uid="with")
    head["spec"]["containers"].append({"name": "autoscaler"})
    platform.on_pod("DELETED", ray_pod(HEAD, "head"))
    platform.on_pod("ADDED", head)
    api = _ClusterApi(platform)
    platform.api.get = api.get  # type: ignore[method-assign]
    return platform, api


def test_load_brings_a_worker_by_the_clusters_object_and_quiet_takes_it(tmp_path: Path) -> None:
    async def work() -> None:
        platform, api = _with_autoscaler(tmp_path)
        (cluster,) = platform.ray.clusters.by_key.values()
        config = rendered()
        options = config["applications"][0]["args"]["llm_configs"][0]["deployment_config"]
        options["autoscaling_config"] |= {
            "min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 1, "upscale_delay_s": 0,
            "downscale_delay_s": 0,
        }  # fmt: skip
        async with platform.client() as client:
            await put(client, config)
            await platform.settle()
            await platform.ray.scaling.follow(cluster, 0.0)
            assert api.apply() == [], "one replica, one worker"
            engine = platform.fleet.engine("models", f"{WORKER}0")
            assert engine is not None
            asked = [asyncio.ensure_future(_ask(client)) for _ in range(2)]
            while engine.in_flight < 2:
                await asyncio.sleep(0.01)
            platform.ray.scaling.decide(1.0)
            assert cluster.target == 2
            await asyncio.gather(*asked)
            await platform.ray.scaling.follow(cluster, 1.0)
            assert api.apply() == [2]
            platform.on_pod("ADDED", ray_pod(f"{WORKER}1", "worker", ready=False))
            await platform.settle()
            assert platform.is_ready(f"{WORKER}1")
            platform.ray.scaling.decide(100.0)
            assert cluster.target == 1
            await platform.settle()
            await platform.ray.scaling.follow(cluster, 100.0)
            assert api.apply() == [], "not idle long enough"
            await platform.ray.scaling.follow(cluster, 106.0)
            assert api.apply() == [1, {"workersToDelete": [f"{WORKER}1"]}]
            await platform.ray.scaling.follow(cluster, 111.0)
            assert api.apply() == [], "the operator has not taken it yet"
            platform.on_pod("DELETED", ray_pod(f"{WORKER}1", "worker"))
            await platform.ray.scaling.follow(cluster, 116.0)
            assert api.apply() == [{"workersToDelete": []}]

    run(work)


async def _ask(client: Any) -> None:
    body = {"model": RAY_MODEL.served_name, "prompt": "x", "max_tokens": 8, "ignore_eos": True}
    answer = await client.post(f"/ports/models/{WORKER}0/8000/v1/completions", json=body)
    assert answer.status == 200, await answer.text()
