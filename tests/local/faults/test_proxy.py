"""The proxy hands requests on as they are, and answers badly when it is told to."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.control_plane.certificates import Pki, ensure_pki
from local.faults.proxy import FaultProxy


class Upstream(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen = {"method": self.command, "path": self.path, "body": body, "type": self.headers.get("Content-Type")}
        data = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PATCH = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki") / "pki")


@pytest.fixture(scope="module")
def upstream(pki: Pki) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate("kube-apiserver"), pki.key("kube-apiserver"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(pki: Pki, upstream: int) -> Iterator[FaultProxy]:
    proxy = FaultProxy(pki, slow_seconds=0.05)
    proxy.upstream_port = upstream
    yield proxy
    proxy.close()


def ask(pki: Pki, proxy: FaultProxy, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Any]:
    """Status and JSON of one request, as any client of the API server sends it."""
    trust = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    connection = http.client.HTTPSConnection(proxy.url.removeprefix("https://"), context=trust, timeout=10)
    try:
        connection.request(method, path, body or None, {key.replace("_", "-"): value for key, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {**json.loads(answer.read()), "retry_after": answer.getheader("Retry-After")}
    finally:
        connection.close()


def test_a_request_is_handed_on_with_its_body_and_type(pki: Pki, proxy: FaultProxy) -> None:
    status, seen = ask(pki, proxy, "PATCH", "/api/v1/x?a=b", '{"c": 1}', Content_Type="t/apply")
    assert status == 200
    assert (seen["method"], seen["path"], seen["body"], seen["type"]) == (
        "PATCH", "/api/v1/x?a=b", '{"c": 1}', "t/apply",
    )  # fmt: skip
    assert proxy.disturbed == 0


def test_a_500_is_in_the_servers_own_words(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "500"
    status, said = ask(pki, proxy, "GET", "/api")
    assert (status, said["kind"], said["reason"], said["code"]) == (500, "Status", "InternalError", 500)
    assert "Internal error occurred" in said["message"]
    assert proxy.disturbed == 1


def test_a_429_says_when_to_come_again(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "429"
    status, said = ask(pki, proxy, "GET", "/api")
    assert (status, said["reason"], said["retry_after"]) == (429, "TooManyRequests", "1")
    proxy.mode = None
    assert ask(pki, proxy, "GET", "/api")[0] == 200
    assert proxy.disturbed == 1


def test_a_slow_answer_is_an_answer(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "slow"
    start = time.monotonic()
    assert ask(pki, proxy, "GET", "/api")[1]["path"] == "/api"
    assert time.monotonic() - start >= proxy.slow_seconds
    assert proxy.disturbed == 1


def test_a_server_that_hangs_up_answers_nothing(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "reset"
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(pki, proxy, "GET", "/api")
    assert proxy.disturbed == 1
