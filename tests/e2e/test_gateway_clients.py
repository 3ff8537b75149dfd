"""Who may ask at the gateway, by tokens of an identity provider and by certificates of clients' own, with real traffic.

What the stack renders, through the real Envoy Gateway and Envoy in its standalone mode (standalone_gateway.py); the
provider is the test's own, on 127.0.0.1 over TLS. Without `python -m local tools gateway`: skipped.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from components.manifest import Manifest
from planning.model import AuthenticationPlan
from planning.model.gateway import GatewayPlan
from tests.components.gateways import TOKENS
from tests.components.plans import MODEL
from tests.e2e.authorities import Authority
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.gateway_client import HOST, Answer, Gateway
from tests.e2e.identity_provider import AUDIENCE, ISSUER, IdentityProvider
from tests.e2e.identity_provider import HOST as PROVIDER
from tests.e2e.standalone_gateway import StandaloneGateway

pytestmark = pytest.mark.e2e

NAMES = ("chat", "summary")
PLAN = replace(
    TOKENS,
    host=HOST,
    certificate_secret="own-tls",
    issuer=None,
    proxies=1,
    requests_per_minute=None,
    model_namespaces=("models",),
    paths=("/v1/models", "/v1/chat/completions"),
    names_of={name: (name,) for name in NAMES},
)
MODELS = [replace(MODEL, name=name, served_name=name, namespace="models") for name in NAMES]


@dataclass(frozen=True)
class _Showing(Gateway):
    """A client that shows a certificate of its own."""

    pem: Path | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        context = super().tls
        if self.pem is not None:
            context.load_cert_chain(self.pem)
        return context


def _object(kind: str, name: str, content: dict[str, bytes], secret: str | None = None) -> Manifest:
    data = {
        key: value.decode() if kind == "ConfigMap" else base64.b64encode(value).decode()
        for key, value in content.items()
    }
    metadata = {"name": name, "namespace": PLAN.namespace}
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": metadata,
        "data": data,
        **({"type": secret} if secret else {}),
    }


class World:
    """The gateway with two models behind it, and who signs what its clients show."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, StandaloneGateway(folder)
        self.provider, self.clients = IdentityProvider(folder), Authority("clients")
        authority = Authority("the gateway's")
        public, private = authority.issue(HOST)
        self.gateway = Gateway(self.programs.port, authority.pem.decode())
        self._by_hand = [
            _object("Secret", "own-tls", {"tls.crt": public, "tls.key": private}, "kubernetes.io/tls"),
            _object("Secret", "clients", {"ca.crt": self.clients.pem}, "Opaque"),
            _object("ConfigMap", "id-ca", {"ca.crt": self.provider.authority.pem}),
        ]

    @property
    def tokens(self) -> GatewayPlan:
        """A gateway that takes the provider's tokens."""
        keys = self.provider.keys_address
        port = int(keys.rpartition(":")[2].partition("/")[0])
        jwt = AuthenticationPlan("jwt", None, ISSUER, (AUDIENCE,), keys, PROVIDER, port, "id-ca")
        return replace(PLAN, authentication=jwt)

    def serve(self, plan: GatewayPlan) -> None:
        """The same two models behind this gateway."""
        self.programs.serve(plan, MODELS, self._by_hand)

    def showing(self, pem: Path | None) -> Gateway:
        """The gateway as a client with this certificate reaches it."""
        return _Showing(self.gateway.port, self.gateway.authority, pem)

    def close(self) -> None:
        self.programs.close()
        self.provider.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    skip_unless_built("gateway")
    made = World(tmp_path_factory.mktemp("clients"))
    try:
        made.provider.present("somebody.else.localhost")
        made.serve(made.tokens)
        yield made
    finally:
        made.close()


def test_keys_from_who_has_another_name_open_nothing_and_from_the_provider_they_do(world: World) -> None:
    def status() -> int:
        return world.gateway.chat("chat", world.provider.token()).status

    eventually("listening", lambda: status() == 401, lambda: world.programs.log)
    assert status() == 401
    assert world.provider.asked == 0, "a certificate of another name is not spoken to"
    world.provider.present(PROVIDER)
    eventually("answered", lambda: status() == 200, lambda: (status(), world.provider.asked, world.programs.log))
    assert world.provider.asked > 0


def test_a_token_that_is_good_is_answered_whole_and_as_a_stream_by_every_model(world: World) -> None:
    gateway, token = world.gateway, world.provider.token
    for name in ("chat", "summary"):
        answer = gateway.chat(name, token())
        assert (answer.status, answer.json) == (
            200,
            {"model": name, "seen": {"x-client-id": ["alice"], "Authorization": None}},
        )
    assert gateway.chat("chat", token(aud=["other", AUDIENCE])).status == 200
    stream = gateway.chat("chat", token(), stream=True).text
    assert stream.rstrip().endswith("data: [DONE]")
    assert stream.count('"delta"') > 2
    assert [card["id"] for card in gateway.ask("/v1/models", token()).json["data"]] == ["chat", "summary"]


def test_a_token_that_is_not_good_is_refused_before_any_model_is_asked(world: World) -> None:
    token = world.provider.token
    before = world.programs.server.asked
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    tokens = {
        "none": None,
        "not a token": "sk-guessed",
        "of another issuer": token(iss="https://elsewhere.example.com"),
        "of no issuer": token(iss=None),
        "for another audience": token(aud="billing"),
        "for no audience": token(aud=None),
        "expired": token(exp=1_000_000_000),
        "of tomorrow": token(nbf=4_000_000_000),
        "signed by another key": token(stranger),
        "unsigned": world.provider.unsigned(),
        "signed with the public key": world.provider.confused(),
        "cut": token()[:-8],
        "that never expires": token(exp=None),
        "of nobody": token(sub=None),
    }
    for stream in (False, True):
        statuses = {what: world.gateway.chat("chat", value, stream=stream).status for what, value in tokens.items()}
        # 403: Envoy's word for a good signature, and an audience or claims that are not those asked for.
        forbidden = {"for another audience", "for no audience", "that never expires", "of nobody"}
        assert statuses == {what: 403 if what in forbidden else 401 for what in tokens}
    assert world.programs.server.asked == before
    by_path = world.gateway.chat("chat", token(aud="billing"), "/chat/v1/chat/completions").status
    assert by_path == 403
    assert world.gateway.ask("/v1/models").status == 401
    assert world.gateway.ask("/metrics", token()).status == 404, "the list of paths holds for who may ask, too"


def test_who_asks_is_the_tokens_subject_whatever_a_client_says_and_each_has_a_limit_of_its_own(world: World) -> None:
    world.serve(replace(world.tokens, requests_per_minute=5))

    def ask(subject: str, says: str) -> Answer:
        headers = {"x-client-id": says}
        return world.gateway.chat("chat", world.provider.token(sub=subject), headers=headers)

    eventually("limited", lambda: ask("carol", "carol").status == 429, lambda: world.programs.log)
    assert ask("carol", "somebody-new").status == 429, "another name in a header opens no other limit"
    answer = ask("dave", "carol")
    assert (answer.status, answer.json["seen"]["x-client-id"]) == (200, ["dave"])


def test_with_mtls_only_a_certificate_of_the_clients_authority_is_answered(world: World) -> None:
    world.serve(replace(PLAN, authentication=AuthenticationPlan("mtls", secret="clients")))
    folder = world.folder
    good = world.showing(world.clients.issue_to(folder / "good.pem", "alice"))

    def refused(pem: Path | None) -> bool:
        """Whether the connection is ended before a request is answered."""
        try:
            return world.showing(pem).chat("chat", None).status < 0
        except ConnectionRefusedError:
            return False  # nobody listens while the listener is exchanged
        except (ssl.SSLError, ConnectionError):
            return True

    eventually("closed to who shows nothing", lambda: refused(None), lambda: world.programs.log)
    eventually("open to who is known", lambda: good.chat("chat", None).status == 200, lambda: world.programs.log)
    answer = good.chat("chat", None)
    assert (answer.status, answer.json["model"]) == (200, "chat")
    stream = good.chat("summary", None, stream=True).text
    assert stream.rstrip().endswith("data: [DONE]")
    others = {
        "none": None,
        "of another authority": Authority("clients").issue_to(folder / "other.pem", "alice"),
        "expired": world.clients.issue_to(folder / "expired.pem", "alice", days=-1),
    }
    assert {what: refused(pem) for what, pem in others.items()} == dict.fromkeys(others, True)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        world.gateway.chat("chat", world.provider.token())
    assert good.chat("chat", None).status == 200
