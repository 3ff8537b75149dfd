"""A release of KubeAI: who leads, what its API refuses, where its requests go, what a pod that ends does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.engine.operators.kubeai import release as releases
from local.engine.operators.kubeai.requests import BadRequest, ModelNotFound, listing, read, selects
from tests.local.engine.operators.kubeai.cluster import CONFIG_MAPS, LEASES, Cluster, ask, cluster, until
from tests.local.engine.operators.kubeai.test_a_models_life import ASLEEP, NAME

SERVED = {**ASLEEP, "spec": {**ASLEEP["spec"], "minReplicas": 2}}
Scene = Callable[[Cluster, str], Awaitable[None]]


def play(folder: Path, scene: Scene, *managers: str) -> None:
    async def whole() -> None:
        async with cluster(folder, *managers) as (there, url):
            await scene(there, url)

    asyncio.run(asyncio.wait_for(whole(), 30))


async def serving(there: Cluster, model: dict[str, Any] = SERVED) -> None:
    there.apply(model)
    await until(lambda: len(there.pods) == model["spec"]["minReplicas"])
    there.starts()


def holder(there: Cluster, lease: str = "kubeai.org") -> str:
    return str(there.objects[f"{LEASES}/{lease}"]["spec"]["holderIdentity"])


def test_one_pod_leads_and_the_next_one_waits_for_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """manager/run.go: no ReleaseOnCancel; until the lease is over no Model has its pods."""

    async def scene(there: Cluster, url: str) -> None:
        await serving(there)
        assert {holder(there, lease) for lease in releases.LEASES} == {"kubeai-0"}
        over = asyncio.Event()
        monkeypatch.setattr(there.releases.release("models"), "lease_over", over.wait)
        there.end_manager("kubeai-0")
        there.proxy = "kubeai-1"
        there.apply({**SERVED, "spec": {**SERVED["spec"], "minReplicas": 3}})
        assert (await ask(url, NAME))[0] == 200, "any pod answers"
        assert len(there.pods) == 2
        over.set()
        await until(lambda: len(there.pods) == 3)
        assert holder(there) == "kubeai-1"

    play(tmp_path, scene, "kubeai-0", "kubeai-1")


def test_a_pod_that_ends_answers_nothing_more_of_what_it_has(tmp_path: Path) -> None:
    """manager/run.go: a request's context is the process', so what waits for a server hears 500, a stream is cut."""

    async def scene(there: Cluster, url: str) -> None:
        there.apply(ASLEEP)
        held = asyncio.create_task(ask(url, NAME))
        await until(lambda: len(there.pods) == 1)
        there.end_manager("kubeai-0")
        assert await held == (500, {"error": "Internal Server Error"})
        assert not there.releases.has("models", "kubeai-0")

    play(tmp_path, scene)


def test_an_answer_under_way_is_cut_when_its_proxy_ends(tmp_path: Path) -> None:
    async def scene(there: Cluster, url: str) -> None:
        there.fleet._speed = 1.0
        await serving(there)
        body = {"model": NAME, "prompt": "x", "max_tokens": 900, "ignore_eos": True, "stream": True}
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(f"{url}/openai/v1/completions", json=body) as answer,
        ):
            assert (await answer.content.readline()).startswith(b"data: ")
            there.end_manager("kubeai-0")
            with pytest.raises(aiohttp.ClientError):
                await answer.read()

    play(tmp_path, scene)


def test_what_is_in_flight_at_all_ready_pods_decides_the_replicas_and_the_mean_is_kept(tmp_path: Path) -> None:
    async def scene(there: Cluster, _: str) -> None:
        spec = {**SERVED["spec"], "targetRequests": 2, "maxReplicas": 9}
        await serving(there, {**SERVED, "spec": spec})
        release = there.releases.release("models")
        await until(lambda: release.managers["kubeai-1"].serves)
        for manager in release.managers.values():
            manager.proxy.in_flight[NAME] = 3
        leader = release.managers["kubeai-0"]
        assert leader.scaler is not None
        for _round in range(40):
            await release.look(leader)
        assert there.model(NAME)["spec"]["replicas"] == 3, "6 in flight, 2 a replica"
        assert (
            '"averageActiveRequests": 6.0' in there.objects[f"{CONFIG_MAPS}/kubeai-autoscaler-state"]["data"]["models"]
        )

    play(tmp_path, scene, "kubeai-0", "kubeai-1")


def test_a_configuration_that_it_does_not_know_ends_it(tmp_path: Path) -> None:
    async def scene(there: Cluster, _: str) -> None:
        there.objects[f"{CONFIG_MAPS}/kubeai-config"] = {"data": {"system.yaml": "modelServerPods: {}"}}
        there.start_manager("kubeai-1")
        await until(lambda: any("kubeai-1 did not start" in line for line in there.said))
        assert not there.releases.has("models", "kubeai-1")

    play(tmp_path, scene)


async def one_that_leaves_refuses(there: Cluster, url: str, strategy: str, busy: int = 0) -> tuple[int, Any]:
    """Both servers leave and are Ready; the one that is asked first listens no more, the other has `busy` requests."""
    await serving(
        there, {**SERVED, "spec": {**SERVED["spec"], "loadBalancing": {"strategy": strategy, "prefixHash": {}}}}
    )
    assert (await ask(url, NAME))[0] == 200
    group = there.releases.release("models").managers["kubeai-0"].proxy._groups[NAME]
    first = group.choose(there.model(NAME)["spec"]["loadBalancing"], "hello")
    for pod in there.pods:
        pod["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
        there.controller.on_pod("MODIFIED", pod)
        if first is not None and first.address.startswith(pod["status"]["podIP"]):
            engine = there.fleet.members["models", pod["metadata"]["name"]].engine
            assert engine is not None
            engine.stop()
    with ExitStack() as under_way:
        for endpoint in group.endpoints.values():
            for _ in range(busy if endpoint is not first else 0):
                under_way.enter_context(group.taken(endpoint))
        answered = await ask(url, NAME)
    assert group.in_flight == 0
    return answered


def test_a_request_goes_on_to_another_server_where_one_refuses(tmp_path: Path) -> None:
    """modelproxy/handler.go: three retries. A pod that leaves and is Ready is asked, too (load_balancer.go)."""

    async def scene(there: Cluster, url: str) -> None:
        assert (await one_that_leaves_refuses(there, url, "LeastLoad"))[0] == 200
        for member in there.fleet.members.values():
            assert member.engine is not None
            member.engine.stop()
        assert await ask(url, NAME) == (502, {"error": "Bad Gateway"})

    play(tmp_path, scene)


def test_by_prefix_and_under_load_every_retry_goes_to_the_server_that_refused(tmp_path: Path) -> None:
    """A refused attempt counts as in flight until all is over: 3 there ≤ (3 + 3 + 1) / 2 × 1.25."""

    async def scene(there: Cluster, url: str) -> None:
        answered = await one_that_leaves_refuses(there, url, "PrefixHash", busy=3)
        assert answered == (502, {"error": "Bad Gateway"})
        assert (await ask(url, NAME))[0] == 200

    play(tmp_path, scene)


MODELS = {
    "chat": {
        "metadata": {"name": "chat", "labels": {"team": "a", "features.kubeai.org/TextGeneration": "true"}},
        "spec": {
            "adapters": [{"name": "sql"}],
            "features": ["TextGeneration"],
            "loadBalancing": {"strategy": "PrefixHash", "prefixHash": {"prefixCharLength": 4}},
        },
    },
    "asleep": {"metadata": {"name": "asleep"}, "spec": {"features": ["TextEmbedding"], "loadBalancing": {}}},
}
CHAT, PLAIN = "/v1/chat/completions", "application/json"


@pytest.mark.parametrize(
    ("path", "media_type", "body", "selectors", "message"),
    [
        (CHAT, PLAIN, b"{", (), "bad request: reading model from body: decoding"),
        (CHAT, PLAIN, b"[]", (), "decoding"),
        (CHAT, PLAIN, b"{}", (), "bad request: reading model from body: missing 'model' field"),
        (CHAT, PLAIN, b'{"model": ""}', (), "missing 'model' field"),
        ("/v1/audio/transcriptions", PLAIN, b'{"model": "chat"}', (), 'unknown path: "/v1/audio/transcriptions"'),
        ("/v1/audio/transcriptions", "multipart/form-data", b"", (), "multipart form data"),
        (CHAT, PLAIN, b'{"model": "other"}', (), 'model not found: "other"'),
        (CHAT, PLAIN, b'{"model": "chat_none"}', (), 'model not found: "chat_none"'),
        (CHAT, PLAIN, b'{"model": "chat"}', ("team=b",), 'model not found: "chat"'),
        (CHAT, PLAIN, b'{"model": "chat"}', ("team in (a)",), "failed to parse label selector"),
    ],
)
def test_what_it_cannot_send_on_is_refused_in_its_own_words(
    path: str, media_type: str, body: bytes, selectors: tuple[str, ...], message: str
) -> None:
    with pytest.raises((BadRequest, ModelNotFound)) as told:
        read(path, media_type, body, selectors, MODELS)
    assert message in str(told.value)


def test_an_adapter_is_asked_for_behind_its_models_name_and_counts_by_what_was_asked() -> None:
    asked = read(
        CHAT, PLAIN, b'{"model": "chat_sql", "messages": [{"role": "user", "content": "hello"}], "x": 1}', (), MODELS
    )
    assert (asked.requested, asked.model, asked.prefix) == ("chat_sql", "chat", "sqlhell")
    assert b'"model": "sql"' in asked.body
    assert b'"x": 1' in asked.body, "fields that it does not know are handed on"


def test_the_listing_has_the_models_of_a_feature_and_their_adapters() -> None:
    def ids(*features: str, selectors: tuple[str, ...] = ()) -> list[str]:
        return [card["id"] for card in listing(MODELS.values(), features, selectors)["data"]]

    assert ids() == ["chat", "chat_sql"]
    assert ids("TextEmbedding") == [], "its label is not there before its controller has seen it"
    assert ids(selectors=("team=b",)) == []
    assert selects("team!=b, team=a", {"team": "a"})
