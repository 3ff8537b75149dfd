"""Groups of pods beside LeaderWorkerSet's controller: when a leader serves, and how its workers leave with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from components.serving.manifests.group import leader_worker_set
from local.engine.engine import Engine, EngineState
from local.engine.fleet import EngineFleet
from local.engine.groups import Groups
from local.engine.pods import GROUP_RANK_LABEL
from tests.components.plans import GROUP_MODEL
from tests.local.engine.simulated import FakeApi, deleting, fleet, pod, run, settle

LEADER, WORKER = "qwen-group-0", "qwen-group-0-1"
STAGES = ("--pipeline-parallel-size=2", "--nnodes=2", "--shutdown-timeout=20")


def member(name: str, rank: int, running: bool = True) -> dict[str, Any]:
    """A pod of a group, as its controller's webhook leaves it."""
    told = ["--node-rank=0"] if rank == 0 else ["--node-rank=$(LWS_WORKER_INDEX)", "--headless"]
    env = [{"name": "LWS_WORKER_INDEX", "value": str(rank)}]
    made = pod(name, *STAGES, *told, running=running, labels={GROUP_RANK_LABEL: str(rank)}, env=env)
    made["status"]["containerStatuses"][0]["started"] = False  # KWOK's stage: its probe has not passed
    made["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    return made


def groups(api: FakeApi, pods: EngineFleet) -> Groups:
    return Groups(pods, api, 0.0, [].append)


async def serving(api: FakeApi) -> tuple[EngineFleet, Groups, Engine]:
    """A group of two whose leader serves."""
    pods = fleet(api)
    looked = groups(api, pods)
    for item in (member(LEADER, 0), member(WORKER, 1)):
        pods.on_pod("ADDED", item)
    await settle()
    await looked.round()
    engine = pods.engine("models", LEADER)
    assert engine is not None
    return pods, looked, engine


def said(api: FakeApi) -> list[tuple[str, bool]]:
    """What was written of readiness: pod and whether it is Ready."""
    return [
        (
            path.rpartition("/")[2],
            any(c["type"] == "Ready" and c["status"] == "True" for c in patch["status"]["conditions"]),
        )
        for path, patch in api.patches
    ]


def test_a_leader_serves_and_is_ready_once_all_workers_run() -> None:
    api = FakeApi()

    async def work() -> None:
        pods = fleet(api)
        looked = groups(api, pods)
        pods.on_pod("ADDED", member(LEADER, 0))
        await settle()
        engine = pods.engine("models", LEADER)
        assert engine is not None
        await looked.round()
        assert (engine.state, said(api)) == (EngineState.LOADING, [])
        pods.on_pod("ADDED", member(WORKER, 1, running=False))
        await looked.round()
        assert engine.state is EngineState.LOADING, "its container waits for its node"
        pods.on_pod("MODIFIED", member(WORKER, 1))
        await settle()
        assert pods.engine("models", WORKER) is None, "a worker answers nothing"
        await looked.round()
        assert (engine.state, said(api)) == (EngineState.SERVING, [(LEADER, True)])

    run(work)


def test_an_engine_that_loses_a_worker_ends_and_its_container_starts_again() -> None:
    api = FakeApi()

    async def work() -> None:
        pods, looked, engine = await serving(api)
        ready = member(LEADER, 0)
        ready["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        pods.on_pod("MODIFIED", ready)
        pods.on_pod("DELETED", member(WORKER, 1))
        await looked.round()
        assert engine.state is EngineState.STOPPED
        path, patch = api.patches[-1]
        assert path.endswith(LEADER)
        assert said(api)[-1] == (LEADER, False)
        (status,) = patch["status"]["containerStatuses"]
        assert status["restartCount"] == 1, "by which LeaderWorkerSet's controller knows it (ContainerRestarted)"
        assert "rank 1 of qwen-group-0 is gone" in status["lastState"]["terminated"]["message"]
        pods.on_pod("ADDED", member(WORKER, 1) | {"metadata": member(WORKER, 1)["metadata"] | {"uid": "another"}})
        await settle()
        await looked.round()
        assert engine.state is EngineState.STOPPED, "the processes of a group find each other once"

    run(work)


def test_a_worker_whose_pod_is_to_end_stays_until_its_leaders_engine_is_gone() -> None:
    api = FakeApi()

    async def work() -> None:
        pods, _, engine = await serving(api)
        pods.on_pod("MODIFIED", deleting(member(WORKER, 1)))
        await settle()
        assert api.deleted == []
        engine.stop()
        task = pods.members["models", WORKER].task
        assert task is not None
        await task
        assert [path.rpartition("/")[2] for path, _ in api.deleted] == [WORKER]

    run(work)


def test_a_worker_that_is_gone_ends_what_its_leader_still_finishes() -> None:
    api = FakeApi()

    async def work() -> None:
        pods, looked, engine = await serving(api)
        ended: list[bool] = []
        engine.on_end.append(ended.append)
        answers: list[str] = []

        async def ask() -> None:
            async for sequence in engine.generate(8, 4000, "length"):
                answers.append("aborted" if sequence.aborted else "token")

        asked = asyncio.create_task(ask())
        pods.on_pod("MODIFIED", deleting(member(LEADER, 0)))
        await settle()
        await looked.round()
        assert engine.state is EngineState.DRAINING, "its worker stays with it"
        pods.on_pod("DELETED", member(WORKER, 1))
        await looked.round()
        task = pods.members["models", LEADER].task
        assert task is not None
        await asyncio.gather(task, asked)
        assert answers[-1] == "aborted"
        assert engine.state is EngineState.STOPPED
        assert ended == [True], "once, as a process that is killed"
        assert [path.rpartition("/")[2] for path, _ in api.deleted] == [LEADER]

    run(work)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pipeline-parallel-size=2", "--nnodes=3"), "`--nnodes 3` must evenly divide the total world size (2)"),
        (("--tensor-parallel-size=4", "--nnodes=2"), "local_rank 1 is out of bounds for 1 devices"),
    ],
)
def test_nodes_that_do_not_fit_the_gpus_are_refused_as_vllm_does(arguments: tuple[str, ...], message: str) -> None:
    api = FakeApi()

    async def work() -> None:
        pods = fleet(api)
        pods.on_pod("ADDED", pod(LEADER, *arguments, labels={GROUP_RANK_LABEL: "0"}))
        await settle()
        failure = pods.members["models", LEADER].failure
        assert failure is not None
        assert message in failure.text

    run(work)


def test_the_pods_that_we_render_are_such_pods() -> None:
    templates = leader_worker_set(GROUP_MODEL, "none")["spec"]["leaderWorkerTemplate"]
    for template in ("leaderTemplate", "workerTemplate"):
        (container,) = templates[template]["spec"]["containers"]
        assert container["name"] == "vllm"
        assert "--nnodes=2" in container["args"]
