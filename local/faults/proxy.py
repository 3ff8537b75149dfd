"""A proxy in front of the API server that can answer badly. Pulumi goes through it; the cluster's own parts do not.

It serves TLS with the API server's own certificate and hands every request on, one upstream connection each.
Watches work, too: answers are handed on as they come.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.control_plane.certificates import Pki

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-connection"}
_CHUNK_BYTES = 65536


class FaultProxy:
    """`mode`: None (hands on), "429", "500" (answers so), "slow" (waits before it hands on), "reset" (hangs up)."""

    def __init__(self, pki: Pki, slow_seconds: float = 2.0) -> None:
        self.mode: str | None = None
        self.slow_seconds = slow_seconds
        self.upstream_port = 0
        self.disturbed = 0
        """Requests that were answered badly, or slowly."""
        self._trust = ssl.create_default_context(cafile=str(pki.certificate("ca")))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.certificate("kube-apiserver"), pki.key("kube-apiserver"))
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.tls, self._server.proxy = context, self
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def upstream(self) -> http.client.HTTPSConnection:
        """A connection to the API server itself."""
        return http.client.HTTPSConnection("127.0.0.1", self.upstream_port, context=self._trust, timeout=90)

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext
    proxy: FaultProxy

    def finish_request(self, request: object, client_address: object) -> None:
        # The handshake happens in the connection's own thread: a silent client blocks no other.
        try:
            wrapped = self.tls.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except (OSError, ssl.SSLError):
            return
        try:
            self.RequestHandlerClass(wrapped, client_address, self)  # type: ignore[arg-type]
        except (OSError, http.client.HTTPException):  # one of the two ends hung up
            return
        finally:
            wrapped.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""

    def _handle(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.mode:
            proxy.disturbed += 1
        if proxy.mode == "reset":
            self.close_connection = True
            return
        if proxy.mode in ("429", "500"):
            self._refuse(int(proxy.mode))
            return
        if proxy.mode == "slow":
            time.sleep(proxy.slow_seconds)
        self._hand_on(body)

    def _refuse(self, status: int) -> None:
        reason = {429: "TooManyRequests", 500: "InternalError"}[status]
        text = {429: "the server has received too many requests and has asked us to try again later",
                500: "Internal error occurred: etcdserver: request timed out"}[status]  # fmt: skip
        answer = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": text,
            "reason": reason,
            "code": status,
        }
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _hand_on(self, body: bytes) -> None:
        upstream = self.server.proxy.upstream()
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP_BY_HOP}
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as when the server itself hangs up
            upstream.close()
            return
        self.send_response(answer.status)
        length = answer.getheader("Content-Length")
        for key, value in answer.getheaders():
            if key.lower() not in _HOP_BY_HOP and key.lower() not in ("date", "server"):
                self.send_header(key, value)
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        while chunk := answer.read1(_CHUNK_BYTES):
            self.wfile.write(chunk)
        upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle
