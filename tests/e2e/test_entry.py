"""Proxies behind an Ingress: what the stack renders for them, with real traffic through the real Envoy.

The Ingress controller is left out: the test asks as one hands requests on. Without `python -m local tools gateway`:
skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planning.model import AuthenticationPlan, EntryPlan, RoutedModel
from tests.components.entries import SEVERAL
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.identity_provider import AUDIENCE, ISSUER, IdentityProvider
from tests.e2e.identity_provider import HOST as PROVIDER
from tests.e2e.standalone_envoy import StandaloneEnvoy
from tests.e2e.standalone_gateway import Answering, Answers

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
USERS = [f"user-{number}" for number in range(40)]
OPEN = replace(
    SEVERAL,
    gateway=replace(
        SEVERAL.gateway,
        authentication=AuthenticationPlan("none"),
        requests_per_minute=None,
        retries=2,
        max_body_mib=1,
        request_timeout_seconds=30,
        paths=("/v1/models", "/v1/chat/completions"),
        names_of={"chat": ("chat", "legal"), "summary": ("summary",), "chat-next": ()},
        versions={"chat": (("chat", 50), ("chat-next", 50))},
    ),
    models=(
        RoutedModel("chat", "models", 8000, "/v1"),
        RoutedModel("summary", "search", 8000, "/openai/v1"),
        RoutedModel("chat-next", "models", 8000, "/v1"),
    ),
)


class Server(Answering):
    """A model's server. `paths`: asked for; `connections`: how many came; `refusals`: how many it answers 503 next."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = self.refusals = 0
        super().__init__()

    @property
    def handler(self) -> type[Answers]:
        return _Answers

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().finish_request(request, client_address)


class _Answers(Answers):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        if self.server.refusals:
            self.server.refusals -= 1
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_POST()


class World:
    """One proxy before three models."""

    def __init__(self, plan: EntryPlan, folder: Path, authority: bytes | None = None) -> None:
        self.servers = {model.name: Server() for model in plan.models}
        ports = {name: server.server_address[1] for name, server in self.servers.items()}
        self.envoy = StandaloneEnvoy(plan, ports, folder, authority)
        eventually("ready", self.envoy.is_ready, lambda: self.envoy.log)

    @property
    def asked(self) -> dict[str, int]:
        return {name: len(server.paths) for name, server in self.servers.items()}

    def close(self) -> None:
        self.envoy.close()
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    skip_unless_built("gateway")
    made = World(OPEN, tmp_path_factory.mktemp("open"))
    yield made
    made.close()


def test_the_model_of_the_body_chooses_and_its_paths_are_its_own(world: World) -> None:
    answer = world.envoy.chat("summary")
    assert (answer.status, answer.json["model"]) == (200, "summary")
    assert world.servers["summary"].paths[-1] == "/openai/v1/chat/completions"
    before = world.asked
    assert world.envoy.chat("legal").status == 200, "an adapter's name"
    assert world.envoy.chat("anything", path="/chat-next/v1/chat/completions").status == 200
    assert world.servers["chat-next"].paths[-1] == "/v1/chat/completions"
    assert sum(world.asked.values()) == sum(before.values()) + 2
    assert world.envoy.names.asked == {f"{model.name}.{model.namespace}.svc.cluster.local" for model in OPEN.models}, (
        "its Service's whole name, and none below another domain"
    )
    stream = world.envoy.chat("chat", stream=True).text
    assert stream.rstrip().endswith("data: [DONE]")
    assert stream.count('"delta"') > 2


def test_versions_share_the_requests_and_a_header_chooses_one(world: World) -> None:
    before = world.asked
    for _ in range(40):
        assert world.envoy.chat("chat").status == 200
    shared = {name: world.asked[name] - before[name] for name in ("chat", "chat-next")}
    assert sum(shared.values()) == 40
    assert min(shared.values()) > 0
    body = {"model": "chat", "messages": []}
    before = world.asked
    for _ in range(5):
        world.envoy.ask("/v1/chat/completions", body, {"x-version": "chat-next"})
    assert world.asked["chat-next"] - before["chat-next"] == 5


def test_a_client_keeps_its_version_and_other_weights_move_only_those_between(tmp_path: Path) -> None:
    skip_unless_built("gateway")

    def versions(chat: int) -> dict[str, str]:
        shares = {"chat": (("chat", chat), ("chat-next", 100 - chat))}
        gateway = replace(OPEN.gateway, versions=shares, session_headers={"chat": "x-user"})
        folder = tmp_path / str(chat)
        folder.mkdir()
        made = World(replace(OPEN, gateway=gateway), folder)
        try:
            told = [{user: _version(made, user) for user in USERS} for _ in range(2)]
            assert told[0] == told[1]
            assert {_version(made) for _ in range(40)} == {"chat", "chat-next"}, "who says nothing is drawn"
        finally:
            made.close()
        return told[0]

    half, more = versions(50), versions(80)
    assert set(half.values()) == set(more.values()) == {"chat", "chat-next"}
    assert {user for user in USERS if half[user] == "chat"} < {user for user in USERS if more[user] == "chat"}


def _version(world: World, user: str | None = None) -> str:
    """Which of the two was asked."""
    before = world.asked
    headers = {"x-user": user} if user else {}
    assert world.envoy.ask("/v1/chat/completions", {"model": "chat", "messages": []}, headers).status == 200
    (asked,) = (name for name, count in world.asked.items() if count != before[name])
    return asked


def test_what_is_not_on_the_list_reaches_no_model(world: World) -> None:
    before = world.asked
    refused = {
        "another path": world.envoy.ask("/metrics").status,
        "below a model": world.envoy.ask("/chat/tokenize", {}).status,
        "a longer path": world.envoy.ask("/v1/chat/completions/x", {}).status,
        "another host": world.envoy.chat("chat").status and world.envoy.ask("/v1/models", host="other").status,
        "an unknown model": world.envoy.chat("none").status,
        "too large": world.envoy.chat("chat", padding="x" * MIB).status,
        "escaped": world.envoy.ask("/v1%2Fchat/completions", {}).status,
        "underscores": world.envoy.ask("/v1/models", headers={"x_model": "chat"}).status,
    }
    assert refused == {
        "another path": 404, "below a model": 404, "a longer path": 404, "another host": 404, "an unknown model": 404,
        "too large": 413, "escaped": 400, "underscores": 400,
    }  # fmt: skip
    assert sum(world.asked.values()) == sum(before.values()) + 1, "the one that was right"
    assert "chat, legal, summary" in world.envoy.chat("none").json["error"]["message"]
    listing = world.envoy.ask("/v1/models")
    assert [card["id"] for card in listing.json["data"]] == ["chat", "legal", "summary"]
    assert listing.headers["content-type"] == "application/json"


def test_a_server_that_has_no_room_is_asked_again_and_one_that_is_gone_is_503(world: World) -> None:
    server = world.servers["summary"]
    server.refusals = 2
    assert world.envoy.chat("summary", padding="x" * (MIB // 2)).status == 200
    assert server.refusals == 0
    server.refusals = 9
    before = len(server.paths)
    assert world.envoy.chat("summary").status == 503
    assert len(server.paths) - before == 3, "once and two retries"
    server.refusals = 0


def test_each_request_has_a_connection_of_its_own(world: World) -> None:
    server = world.servers["summary"]
    before = server.connections
    for _ in range(4):
        assert world.envoy.chat("summary").status == 200
    assert server.connections - before == 4


def test_a_client_does_not_say_how_often_and_how_long_models_are_asked(world: World) -> None:
    server = world.servers["summary"]
    server.refusals, before = 9, len(server.paths)
    headers = {"x-envoy-max-retries": "9", "x-envoy-retry-on": "5xx", "x-envoy-upstream-rq-timeout-ms": "1"}
    headers["X-Forwarded-For"] = "10.0.0.9"  # of a client in the VPC, which Envoy's default takes for its own kind
    body = {"model": "summary", "messages": []}
    assert world.envoy.ask("/v1/chat/completions", body, headers).status == 503
    assert len(server.paths) - before == 3
    server.refusals = 0
    assert not [name for name in server.headers[-1] if name.startswith("x-envoy-max")]


def test_tokens_open_every_model_and_are_counted_by_subject_and_model(tmp_path: Path) -> None:
    skip_unless_built("gateway")
    provider = IdentityProvider(tmp_path)
    port = int(provider.keys_address.rpartition(":")[2].partition("/")[0])
    jwt = AuthenticationPlan("jwt", None, ISSUER, (AUDIENCE,), provider.keys_address, PROVIDER, port, "id-ca")
    gateway = replace(OPEN.gateway, authentication=jwt, requests_per_minute=3)
    world = World(replace(OPEN, gateway=gateway), tmp_path, provider.authority.pem)
    try:
        _counted(world, provider)
        _refused(world, provider)
    finally:
        world.close()
        provider.close()


def _counted(world: World, provider: IdentityProvider) -> None:
    def asked(subject: str, model: str, **more: Any) -> int:
        return world.envoy.chat(model, token=provider.token(sub=subject), **more).status

    eventually("answered", lambda: asked("first", "summary") == 200, lambda: world.envoy.log)
    assert [asked("alice", "summary") for _ in range(4)] == [200, 200, 200, 429]
    assert asked("bob", "summary") == 200
    assert asked("alice", "chat") == 200, "each model has its own count"
    assert asked("alice", "x", path="/summary/v1/chat/completions") == 429, "however a request names it"
    seen = world.servers["summary"].headers[-1]
    assert (seen["x-client-id"], seen.get("authorization")) == ("bob", None)


def _refused(world: World, provider: IdentityProvider) -> None:
    before = world.asked
    tokens = {
        "none": None,
        "expired": provider.token(exp=1),
        "another issuer": provider.token(iss="https://other.example.com"),
        "another audience": provider.token(aud="billing"),
        "no subject": provider.token(sub=None),
        "no end": provider.token(exp=None),
        "unsigned": provider.unsigned(),
        "signed by the public key": provider.confused(),
    }
    refused = {what: world.envoy.chat("chat", token=token).status for what, token in tokens.items()}
    assert set(refused.values()) <= {401, 403}, refused
    spoofed = world.envoy.ask("/v1/chat/completions", {"model": "chat"}, {"x-client-id": "alice"})
    assert spoofed.status == 401
    assert world.asked == before
