"""Digests come from a registry that speaks the Docker Registry HTTP API v2; here one of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from planning.versions import pins
from tools import pin_digests
from tools.pin_digests import NoDigest, digest_of, main, write

DIGEST = "sha256:" + "5" * 64


class Registry(BaseHTTPRequestHandler):
    """Asks for a token, which it gives for pulling `team/app`."""

    realm = ""

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        assert "scope=repository%3Ateam%2Fapp%3Apull" in self.path
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"token": "t1"}')

    def do_HEAD(self) -> None:
        known = self.headers.get("Authorization") == "Bearer t1"
        here = self.path == "/v2/team/app/manifests/v1"
        assert "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]
        self.send_response((200 if here else 404) if known else 401)
        if known and here:
            self.send_header("Docker-Content-Digest", DIGEST)
        elif not known:
            scope = "repository:team/app:pull"
            self.send_header("WWW-Authenticate", f'Bearer realm="{self.realm}",service="r",scope="{scope}"')
        self.end_headers()


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"127.0.0.1:{server.server_address[1]}"
    Registry.realm = f"http://{address}/token"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


def test_a_digest_is_asked_for_with_a_token(registry: str) -> None:
    assert digest_of(f"{registry}/team/app:v1") == DIGEST


def test_a_tag_that_is_not_there_is_said(registry: str) -> None:
    with pytest.raises(NoDigest, match=r"has no such tag \(404\)"):
        digest_of(f"{registry}/team/app:v2")


def test_a_token_is_never_asked_for_without_tls_elsewhere(registry: str) -> None:
    Registry.realm = "http://tokens.example/token"
    with pytest.raises(NoDigest, match=r"http://tokens\.example, which is not https"):
        digest_of(f"{registry}/team/app:v1")


def test_a_registry_that_is_not_there_is_one_line() -> None:
    with pytest.raises(NoDigest, match=r"^127\.0\.0\.1:1 does not answer: ConnectionError$"):
        digest_of("127.0.0.1:1/team/app:v1")


@pytest.mark.parametrize("pin", [pins.VLLM, pins.CUDA_BASE])
def test_a_digest_is_written_to_its_own_pin_only(pin: pins.ImagePin) -> None:
    before = Path(pins.__file__).read_text()
    after = write(before, pin, DIGEST)
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert changed == [f'    digest="{DIGEST}",']
    assert after.count("\n") == before.count("\n")


def test_each_image_has_a_line_and_ours_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(image: str) -> str:
        if image.startswith("docker.io/"):
            return DIGEST
        raise NoDigest("does not answer")

    monkeypatch.setattr(pin_digests, "digest_of", answer)
    file = tmp_path / "pins.py"
    file.write_text(Path(pins.__file__).read_text())
    assert main(["--stack", "dev", "--write"], file) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"docker.io/vllm/vllm-openai:{pins.VLLM.tag}@{DIGEST}" in lines
    assert any(line.startswith("quay.io/") and line.endswith(": no digest: does not answer") for line in lines)
    assert file.read_text().count(f'digest="{DIGEST}"') == 2
