"""One address in front of all models: the real Envoy Gateway takes every object, and requests go through a real Envoy.

Both are there only where they were installed (`python -m local tools gateway`); without them: skipped.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.e2e import cluster as e2e
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.gateway_client import CERTIFICATE, HOST, Answer, Gateway, plain_http, put_secret
from tests.e2e.gateway_load import lost, session_with, streams, url_of, whole_answers
from tests.e2e.loading import REPORTS, changed_stack

pytestmark = pytest.mark.e2e

KEY, TENANTS = "sk-everybody-4711", "sk-search-4711"
MODEL_PODS = "app.kubernetes.io/name=vllm"
POLICIES = ("clienttrafficpolicies", "backendtrafficpolicies", "securitypolicies", "envoyextensionpolicies")


def _behind_a_gateway(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["tenants"] = [{"name": "search", "apiKeys": "search-keys"}]
    settings["gateway"] = {
        "kind": "gatewayApi",
        "host": HOST,
        "certificate": CERTIFICATE,
        "authentication": {"kind": "apiKeys", "secret": "api-keys"},
        "requestsPerMinute": 1200,
        "maxBodyMib": 1,
    }
    short = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 60}
    model |= {"servedName": "chat", "autoscaling": {"kind": "none", "minReplicas": 2}, "drain": short}
    other = {**model, "name": "summary", "servedName": "summary", "namespace": "search"}
    settings["models"].append({**other, "autoscaling": {"kind": "none", "minReplicas": 1}})


class Cluster(e2e.Cluster):
    """The API server, and the address in front of the models."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.gateway = Gateway.with_certificate(self.core, platform.ports["envoy-https"])

    def statuses(self) -> dict[str, dict[str, str]]:
        """Object -> type of condition -> status, of everything that the gateway's controller judges."""
        statuses: dict[str, dict[str, str]] = {}
        for group, version, plural in (
            ("gateway.networking.k8s.io", "v1", "gatewayclasses"),
            ("gateway.networking.k8s.io", "v1", "gateways"),
            ("gateway.networking.k8s.io", "v1", "httproutes"),
            *(("gateway.envoyproxy.io", "v1alpha1", policy) for policy in POLICIES),
        ):
            for item in self.custom.list_cluster_custom_object(group, version, plural)["items"]:
                name = f"{plural}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
                statuses[name] = _conditions(item.get("status") or {})
        return statuses


def _conditions(status: dict[str, Any]) -> dict[str, str]:
    parts = [status, *(status.get("parents") or []), *(status.get("ancestors") or []), *(status.get("listeners") or [])]
    conditions: dict[str, str] = {}
    for part in parts:
        for condition in part.get("conditions") or []:
            told = (
                condition["status"]
                if condition["status"] == "True"
                else f"{condition['status']}: {condition.get('message')}"
            )
            conditions[condition["type"]] = told
    return conditions


@pytest.fixture(scope="module")
def cluster(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    skip_unless_built("gateway")
    file = changed_stack(tmp_path_factory.mktemp("gateway"), _behind_a_gateway)
    platform.run("up", "--stack-file", str(file))
    made = Cluster(platform)
    put_secret(made.core, "gateway", "api-keys", {"alice": KEY.encode()})
    put_secret(made.core, "search", "search-keys", {"bob": TENANTS.encode()})
    yield made
    platform.run("down", "--stack", "local")


def test_the_controller_takes_every_object_and_programs_the_address(cluster: Cluster) -> None:
    def all_true() -> bool:
        statuses_now = cluster.statuses()
        return len(statuses_now) >= 8 and all(each and set(each.values()) == {"True"} for each in statuses_now.values())

    eventually("all accepted", all_true, cluster.statuses)
    before = cluster.statuses()
    assert {"Accepted", "Programmed", "ResolvedRefs"} <= set(before["gateways/gateway/models"])
    for name in ("httproutes/models/qwen", "httproutes/search/summary", "httproutes/gateway/models"):
        assert {"Accepted", "ResolvedRefs"} <= set(before[name])
    assert {name for name in before if name.startswith("securitypolicies")} == {
        "securitypolicies/gateway/models",
        "securitypolicies/search/summary",
    }


def test_a_model_is_asked_by_body_by_header_and_by_path_whole_and_as_a_stream(cluster: Cluster) -> None:
    gateway = cluster.gateway
    eventually("answered", lambda: gateway.chat("chat", KEY).status == 200, lambda: gateway.chat("chat", KEY))
    for answer in (
        gateway.chat("chat", KEY),
        gateway.chat("chat", KEY, "/qwen/v1/chat/completions"),
        gateway.ask("/v1/completions", KEY, {"model": "chat", "prompt": "x", "max_tokens": 3}, model="chat"),
    ):
        assert (answer.status, answer.json["model"]) == (200, "chat"), answer
    assert gateway.chat("summary", TENANTS).json["model"] == "summary"
    stream = gateway.chat("chat", KEY, stream=True).text
    assert stream.rstrip().endswith("data: [DONE]")
    assert stream.count('"delta"') > 2
    listed = gateway.ask("/v1/models", KEY).json["data"]
    assert [card["id"] for card in listed] == ["chat", "summary"]
    assert gateway.ask("/qwen/v1/models", KEY).json["data"][0]["owned_by"] == "vllm-simulated"


def _refusals(gateway: Gateway) -> dict[str, tuple[Answer, int]]:
    large = json.dumps({"model": "chat", "prompt": "x" * (2 << 20)}).encode()
    return {
        "no key": (gateway.chat("chat", None), 401),
        "wrong key": (gateway.chat("chat", "sk-guessed"), 401),
        "half a key": (gateway.chat("chat", KEY[:-1]), 401),
        "a tenant's model with everybody's key": (gateway.chat("summary", KEY), 401),
        "the same by its path": (gateway.chat("summary", KEY, "/summary/v1/chat/completions"), 401),
        "the same by its header": (gateway.ask("/v1/completions", KEY, {"model": "x"}, model="summary"), 401),
        "everybody's model with a tenant's key": (gateway.chat("chat", TENANTS), 401),
        "the list without a key": (gateway.ask("/v1/models"), 401),
        "no such model": (gateway.chat("none", KEY), 404),
        "metrics": (gateway.ask("/metrics", KEY), 404),
        "metrics of a model": (gateway.ask("/qwen/metrics", KEY), 404),
        "tokenize": (gateway.ask("/tokenize", KEY, {"model": "chat", "prompt": "x"}), 404),
        "round about": (gateway.ask("/v1/models/../../metrics", KEY, model="chat"), 404),
        "escaped": (gateway.ask("/v1/models/%2e%2e%2fmetrics", KEY, model="chat"), 400),
        "below a listed path": (gateway.ask("/v1/chat/completions/render", KEY, {}, model="chat"), 404),
        "too large by its path": (gateway.ask("/qwen/v1/completions", KEY, raw=large), 413),
        "too large by its body": (gateway.ask("/v1/completions", KEY, raw=large), 413),
    }


def test_what_is_not_meant_to_get_through_is_refused(cluster: Cluster) -> None:
    refusals = {what: (answer.status, status) for what, (answer, status) in _refusals(cluster.gateway).items()}
    assert {what: pair for what, pair in refusals.items() if pair[0] != pair[1]} == {}
    assert "chat, summary" in cluster.gateway.chat("none", KEY).json["error"]["message"]
    assert plain_http(cluster.gateway.port) is None, "nothing is said without TLS"


def _pods(cluster: Cluster) -> list[Any]:
    pods = cluster.core.list_namespaced_pod("models").items
    return [
        pod
        for pod in pods
        if pod.metadata.deletion_timestamp is None
        and any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or [])
        and any(c.name == "vllm" for c in pod.spec.containers)
    ]


def _scale(cluster: Cluster, replicas: int) -> None:
    cluster.scale("qwen", replicas)
    eventually(f"{replicas} pods", lambda: len(_pods(cluster)) == replicas, lambda: len(_pods(cluster)))


def test_pods_that_are_drained_and_scaled_lose_no_request(cluster: Cluster) -> None:
    def meanwhile() -> None:
        time.sleep(2)
        cluster.core.delete_namespaced_pod(_pods(cluster)[0].metadata.name, "models")
        time.sleep(1)
        eventually("replaced", lambda: len(_pods(cluster)) == 2, lambda: len(_pods(cluster)))
        _scale(cluster, 3)
        time.sleep(2)
        _scale(cluster, 1)
        time.sleep(2)
        _scale(cluster, 2)

    results = asyncio.run(streams(cluster.gateway, KEY, 8, 360, meanwhile))
    assert len(results) == 360
    assert lost("gateway-drained", results) == []


def test_of_killed_pods_no_answer_comes_half_and_nearly_all_come_from_another(cluster: Cluster) -> None:
    def meanwhile() -> None:
        for _ in range(2):
            time.sleep(4)
            cluster.core.delete_namespaced_pod(_pods(cluster)[0].metadata.name, "models", grace_period_seconds=0)
            eventually("replaced", lambda: len(_pods(cluster)) == 2, lambda: len(_pods(cluster)))

    answers = asyncio.run(whole_answers(cluster.gateway, KEY, 8, 200, meanwhile))
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "gateway-killed.json").write_text(
        json.dumps({answer: answers.count(answer) for answer in set(answers)}, indent=2)
    )
    assert len(answers) == 200
    # 503: the killed pod and one that had only just become Ready both refused. Never half an answer.
    assert set(answers) <= {"answered", "503, None tokens"}
    assert answers.count("answered") >= 195


def test_what_the_gateway_costs_a_request_is_written_down(cluster: Cluster, platform: Platform) -> None:
    services = json.loads(platform.paths.services_file.read_text())
    direct = next(service["url"] for service in services if service["name"] == "qwen")
    body = {"model": "chat", "prompt": "x", "max_tokens": 1}

    async def median(url: str, session: aiohttp.ClientSession) -> float:
        times = []
        for _ in range(200):
            begun = time.perf_counter()
            async with session.post(f"{url}/v1/completions", json=body) as answer:
                assert answer.status == 200
                await answer.read()
            times.append(time.perf_counter() - begun)
        return statistics.median(times)

    async def both() -> tuple[float, float]:
        async with session_with(cluster.gateway, KEY) as session:
            through = await median(url_of(cluster.gateway), session)
        async with aiohttp.ClientSession() as session:
            return await median(direct, session), through

    answers = asyncio.run(both())
    (REPORTS / "gateway-overhead.json").write_text(json.dumps({"direct_s": answers[0], "through_s": answers[1]}))
    assert answers[1] > 0


def test_who_asks_more_often_than_allowed_is_told_to_wait_and_nobody_else(cluster: Cluster) -> None:
    async def burst() -> list[int]:
        url = f"{url_of(cluster.gateway)}/qwen/v1/models"
        async with session_with(cluster.gateway, KEY) as session:

            async def one() -> int:
                async with session.get(url) as answer:
                    return answer.status

            return [status for _ in range(20) for status in await asyncio.gather(*(one() for _ in range(100)))]

    answers = asyncio.run(burst())
    assert answers.count(200) + answers.count(429) == 2000
    assert 429 in answers
    assert cluster.gateway.chat("summary", TENANTS).status == 200


def test_a_destroy_takes_the_address_and_its_programs(platform: Platform, cluster: Cluster) -> None:
    platform.run("down", "--stack", "local")
    assert cluster.custom.list_cluster_custom_object("gateway.networking.k8s.io", "v1", "gateways")["items"] == []
    for name in ("envoy", "envoy-gateway"):
        eventually(f"{name} stopped", lambda: not platform.processes.is_alive(name), lambda: name)  # noqa: B023
