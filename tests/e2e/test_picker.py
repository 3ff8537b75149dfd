"""The Inference Extension's own endpoint picker (1.4.0) behind a plain Envoy: prompts go where they are cached.

Backend llm-d renders its pool and configuration; llm-d's own picker is in no registry. Both programs are there only
where they were installed (`python -m local tools gateway llm-d`); without them: skipped.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from local.commands.completion import ask, models, service_url
from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import REPORTS, changed_stack
from tests.e2e.picker_proxy import envoy_in_front
from tests.e2e.prerequisites import prerequisites

pytestmark = pytest.mark.e2e

PREFIXES, QUESTIONS, PREFIX_CHARACTERS = 24, 6, 4000


def _by_llm_d(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["backend"] = "llm-d"
    settings["llmD"] = {"gateway": {"name": "inference", "namespace": "gateways", "controller": "agentgateway"}}
    model["autoscaling"] = {"kind": "none", "minReplicas": 4}


@pytest.fixture(scope="module")
def url(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of /<model> through Envoy and the picker."""
    skip_unless_built("gateway", "llm-d")
    folder = tmp_path_factory.mktemp("picker")
    with prerequisites(platform, "llm-d"):
        platform.run("up", "--stack-file", str(changed_stack(folder, _by_llm_d)))
        engine = json.loads((platform.paths.run / "engine" / "admin.json").read_text())
        with envoy_in_front(platform, "qwen", engine["port"], folder) as address:
            yield address
        platform.run("down", "--stack", "local")


def _counts(platform: Platform) -> dict[str, dict[str, float]]:
    """Pod -> what its engine counts of its prefix cache."""
    engine = json.loads((platform.paths.run / "engine" / "admin.json").read_text())["url"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = {}
    for each in json.load(opener.open(f"{engine}/engines")):
        text = opener.open(f"{engine}/pods/{each['namespace']}/{each['pod']}/metrics").read().decode()
        series = re.findall(r"^vllm:prefix_cache_(queries|hits)_total\{.*\} (\S+)$", text, re.M)
        found[each["pod"]] = {name: float(value) for name, value in series}
    return found


async def _asked(url: str, salt: str) -> list[int]:
    """Questions behind long beginnings that several of them share, in one order; each over a connection of its own."""
    rng = random.Random(16)
    beginnings = [f"{salt}-{number} ".ljust(PREFIX_CHARACTERS, "abcdefgh"[number % 8]) for number in range(PREFIXES)]
    prompts = [f"{beginning} question {n}" for beginning in beginnings for n in range(QUESTIONS)]
    rng.shuffle(prompts)
    statuses = []
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        served = (await (await session.get(f"{url}/v1/models")).json())["data"][0]["id"]
        for prompt in prompts:
            body = {"model": served, "prompt": prompt, "max_tokens": 4}
            async with session.post(f"{url}/v1/completions", json=body) as answer:
                statuses.append(answer.status)
                await answer.read()
    return statuses


def _share(platform: Platform, url: str, salt: str) -> tuple[float, int]:
    """Share of prompt tokens that came out of a cache, and how many pods were asked."""
    before = _counts(platform)
    assert set(asyncio.run(_asked(url, salt))) == {200}
    after = _counts(platform)
    rise = {pod: {name: after[pod][name] - before[pod][name] for name in ("queries", "hits")} for pod in before}
    queries = sum(each["queries"] for each in rise.values())
    return sum(each["hits"] for each in rise.values()) / queries, sum(each["queries"] > 0 for each in rise.values())


def test_a_completion_comes_through_the_picker_whole_and_as_a_stream(platform: Platform, url: str) -> None:
    assert platform.processes.is_alive("endpoint-picker")
    said = lambda: (platform.paths.log / "endpoint-picker.log").read_text()[-2000:]  # noqa: E731
    assert eventually("answered through the picker", lambda: ask(url).text, said)


def test_prompts_go_where_their_beginning_is_cached(platform: Platform, url: str) -> None:
    (model,) = models(platform.paths)
    picked, pods = _share(platform, url, "picker")
    in_turns, _ = _share(platform, service_url(platform.paths, model), "turns")
    REPORTS.mkdir(exist_ok=True)
    report = {"picker": picked, "round_robin": in_turns, "ratio": picked / in_turns, "pods_asked": pods}
    (REPORTS / "picker.json").write_text(json.dumps(report))
    assert pods > 1, "it does not send everything to one"
    assert picked > 1.2 * in_turns, report


def test_the_picker_runs_while_its_pod_is_ready(platform: Platform, url: str) -> None:
    cluster = Cluster(platform)
    cluster.scale("qwen-picker", 0)
    eventually("no picker without its pod", lambda: not platform.processes.is_alive("endpoint-picker"))
    cluster.scale("qwen-picker", 1)
    eventually("the picker with its pod", lambda: platform.processes.is_alive("endpoint-picker"))


def test_a_destroy_leaves_no_picker(platform: Platform, url: str) -> None:
    platform.run("down", "--stack", "local")
    eventually("no picker", lambda: not platform.processes.is_alive("endpoint-picker"))
