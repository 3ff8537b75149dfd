"""The proxy hands requests on as they are, and answers badly when it is told to; the provider says what it met."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.certificates import Pki, ensure_pki
from local.certificates import kubeconfig as kubeconfig_of
from local.faults.proxy import FaultProxy
from local.providers.kubernetes.cluster import ApiError, Cluster, Unreachable


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
    found = FaultProxy(pki, slow_seconds=0.05)
    found.upstream_port = upstream
    yield found
    found.close()


def cluster(pki: Pki, proxy: FaultProxy) -> Cluster:
    return Cluster(yaml.safe_dump(yaml.safe_load(kubeconfig_of(pki, "admin", proxy.url))))


def test_a_request_is_handed_on_with_its_body_and_type(pki: Pki, proxy: FaultProxy, tmp_path: Path) -> None:
    seen = cluster(pki, proxy).request("PATCH", "/api/v1/x", query={"a": "b"}, body={"c": 1}, content_type="t/apply")
    assert seen == {"method": "PATCH", "path": "/api/v1/x?a=b", "body": '{"c": 1}', "type": "t/apply"}
    assert proxy.disturbed == 0


def test_a_500_is_the_servers_own_words(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "500"
    with pytest.raises(ApiError, match="Internal error occurred") as caught:
        cluster(pki, proxy).request("GET", "/api")
    assert caught.value.status == 500
    assert proxy.disturbed == 1


def test_a_slow_answer_is_an_answer(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "slow"
    assert cluster(pki, proxy).request("GET", "/api")["path"] == "/api"
    assert proxy.disturbed == 1


def test_a_server_that_hangs_up_cannot_be_reached(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "reset"
    with pytest.raises(Unreachable):
        cluster(pki, proxy).request("GET", "/api")


def test_a_429_is_tried_again_until_it_is_over(pki: Pki, proxy: FaultProxy) -> None:
    proxy.mode = "429"
    timer = threading.Timer(0.5, lambda: setattr(proxy, "mode", None))
    timer.start()
    assert cluster(pki, proxy).request("GET", "/api")["path"] == "/api"
    assert proxy.disturbed >= 1
