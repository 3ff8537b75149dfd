"""A Model as we render it, from nothing to its end: pods, a request that is held at zero, a changed flag, a destroy.

The stand-in in the pods of its release, the simulated engines of the Model's pods, and a cluster of a dictionary.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from components.serving.backends import BACKENDS
from planning.model import ServedModel
from tests.components.plans import KEDA_MODEL, TEMPLATE_MODEL, on
from tests.local.engine.operators.kubeai.cluster import CONFIG_MAPS, Object, ask, cluster, until


def rendered(model: ServedModel) -> Object:
    return BACKENDS["kubeai"].manifest(on(model, "kubeai"), "vllm-model")


ASLEEP = {**rendered(KEDA_MODEL)}
NAME = ASLEEP["metadata"]["name"]
ASLEEP["spec"]["args"] = ["--model=Qwen/Qwen2.5-7B-Instruct", "--max-model-len=2048"]


def test_a_request_wakes_a_model_and_is_held_until_a_server_is_ready(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, url):
            there.apply(ASLEEP)
            await until(lambda: "replicas" in there.model(NAME)["spec"])
            assert there.pods == []
            held = asyncio.create_task(ask(url, NAME))
            await until(lambda: len(there.pods) == 1)
            assert not held.done(), "nothing is Ready"
            there.starts()
            status, answer = await held
            assert (status, answer["model"]) == (200, NAME), answer
            (pod,) = there.pods
            assert pod["metadata"]["ownerReferences"][0]["kind"] == "Model"
            assert (await ask(url, "another"))[0] == 404
            assert there.model(NAME)["status"]["replicas"] == {"all": 1, "ready": 1}

    asyncio.run(scene())


def test_a_changed_flag_replaces_the_pods_and_a_destroy_leaves_none(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, url):
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1}})
            await until(lambda: len(there.pods) == 1)
            there.starts()
            assert (await ask(url, NAME))[0] == 200
            changed = [*ASLEEP["spec"]["args"], "--max-num-seqs=32"]
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1, "args": changed}})

            def is_new() -> bool:
                there.starts()
                return [pod["spec"]["containers"][0]["args"][-1] for pod in there.pods] == ["--max-num-seqs=32"]

            await until(is_new)
            assert (await ask(url, NAME))[0] == 200
            there.destroy(NAME)
            assert there.pods == []
            assert (await ask(url, NAME))[0] == 404

    asyncio.run(scene())


def test_its_chat_template_is_a_file_of_its_own_config_map_that_goes_with_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, _):
            manifest = rendered(TEMPLATE_MODEL)
            name = manifest["metadata"]["name"]
            there.apply(manifest)
            path = f"{CONFIG_MAPS}/model-{name}-files"
            await until(lambda: path in there.objects)
            assert there.objects[path]["metadata"]["ownerReferences"][0]["name"] == name
            assert list(there.objects[path]["data"].values()) == [TEMPLATE_MODEL.chat_template]
            there.destroy(name)
            assert path not in there.objects

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("broken", "value"),
    [
        ("resourceProfile", "none:1"),
        ("resourceProfile", "llama"),
        ("url", "hf://a/b"),
        ("adapters", [{"name": "sql", "url": "hf://a/b"}]),
        ("cacheProfile", "efs"),
        ("image", ""),
    ],
)
def test_a_model_that_kubeai_makes_no_pods_of_gets_none_here(tmp_path: Path, broken: str, value: Any) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as (there, _):
            there.apply({**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 1, broken: value}})
            await until(lambda: any(f"{NAME}: " in line for line in there.said))
            assert there.pods == []
            assert "status" not in there.model(NAME), "model_controller.go: its configuration comes before its status"

    asyncio.run(scene())
