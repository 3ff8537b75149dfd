"""Clients that keep their version and their server, through the real Envoy Gateway and Envoy.

Both are there only where they were installed (`python -m local tools gateway`); without them: skipped. On the platform:
Envoy Gateway 1.9.0's standalone mode ends at a policy with a consistent hash ("unsupported type: uint64").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from local.control_plane.cluster import is_ready
from tests.e2e import cluster as e2e
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.gateway_client import CERTIFICATE, HOST, Gateway
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e

USERS = [f"user-{number}" for number in range(120)]
NEXT = 10
"""Of a hundred clients."""
_ASKED = re.compile(r"^vllm:request_success_total\{.*\} ([\d.e+]+)$", re.MULTILINE)


def _shared_out(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["nodePools"][0] |= {"minNodes": 3, "maxNodes": 3}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["gateway"] = {"kind": "gatewayApi", "host": HOST, "certificate": CERTIFICATE}
    model |= {"servedName": "chat", "autoscaling": {"kind": "none", "minReplicas": 2}}
    other = {**model, "name": "next", "autoscaling": {"kind": "none", "minReplicas": 1}}
    settings["models"].append(other)
    model["versions"] = [{"model": model["name"], "weight": 100 - NEXT}, {"model": "next", "weight": NEXT}]
    model["sessionHeader"] = "x-user"


class Cluster(e2e.Cluster):
    """The address in front of a model with two servers and of its next version with one."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.gateway = Gateway.with_certificate(self.core, platform.ports["envoy-https"])

    def asked(self) -> dict[str, float]:
        """Requests that each Ready server has answered, by its pod."""
        pods = [each.metadata.name for each in self.servers() if is_ready(each)]
        return {pod: sum(float(value) for value in _ASKED.findall(self.metrics(pod))) for pod in pods}

    def send(self, user: str | None = None, version: str | None = None) -> None:
        headers = {"x-user": user} if user else {}
        headers |= {"x-version": version} if version else {}
        body = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
        assert self.gateway.ask("/v1/chat/completions", body=body, more_headers=headers).status == 200

    def who_answers(self, user: str | None = None, version: str | None = None) -> str:
        """Pod of the one server that got the request."""
        before = self.asked()
        self.send(user, version)
        (pod,) = (pod for pod, answered in self.asked().items() if answered != before.get(pod, 0))
        return pod


@pytest.fixture(scope="module")
def cluster(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    skip_unless_built("gateway")
    file = changed_stack(tmp_path_factory.mktemp("sessions"), _shared_out)
    platform.run("up", "--stack-file", str(file))
    made = Cluster(platform)
    eventually(
        "answered", lambda: made.gateway.chat("chat", None).status == 200, lambda: made.gateway.ask("/v1/models")
    )
    yield made
    platform.run("down", "--stack", "local")


def test_a_client_keeps_its_version_and_its_server(cluster: Cluster) -> None:
    first = {user: cluster.who_answers(user) for user in USERS}
    assert {user: cluster.who_answers(user) for user in USERS} == first
    shares = Counter(first.values())
    assert set(shares) == set(cluster.asked()), "every server has clients"
    of_next = sum(count for pod, count in shares.items() if pod.startswith("next-"))
    assert of_next <= 0.2 * len(USERS), f"{NEXT} of a hundred, whatever servers it has: {shares}"


def test_who_says_nothing_is_drawn_and_who_names_a_version_gets_it(cluster: Cluster) -> None:
    assert {cluster.who_answers() for _ in range(40)} == set(cluster.asked())
    versions = {cluster.who_answers(user, version="next") for user in USERS[:10]}
    assert [pod for pod in versions if not pod.startswith("next-")] == []


def test_clients_of_a_server_that_goes_keep_their_version_and_only_its_successor_takes_others(cluster: Cluster) -> None:
    first = {user: cluster.who_answers(user) for user in USERS}
    going = next(pod for pod in first.values() if not pod.startswith("next-"))
    cluster.core.delete_namespaced_pod(going, "models")
    eventually("gone", lambda: going not in cluster.asked(), cluster.asked)
    after = {user: cluster.who_answers(user) for user in USERS}
    assert {user for user, pod in after.items() if pod.startswith("next-")} == {
        user for user, pod in first.items() if pod.startswith("next-")
    }
    moved = [user for user, pod in first.items() if pod not in (going, after[user])]
    assert not {after[user] for user in moved} & set(first.values()), "to the new server and to no other"
