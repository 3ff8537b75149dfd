"""Where the real Alertmanager posts to: keeps what it got, so that a test can wait for an alert by name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Received:
    """Alerts of Alertmanager's webhook (JSON, version 4), in the order they came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._alerts: list[dict[str, Any]] = []
        self._came = threading.Condition()

    def add(self, message: dict[str, Any]) -> None:
        """Takes one post."""
        if message.get("version") != "4":
            raise ValueError(f"not Alertmanager's webhook, version 4: {sorted(message)}")
        with self._came:
            self._alerts += message["alerts"]
            self._came.notify_all()

    def wait_for(self, name: str, status: str, timeout_seconds: float) -> dict[str, Any]:
        """The first alert of that name and status (firing, resolved); raises TimeoutError with what came instead."""
        with self._came:
            if self._came.wait_for(lambda: self._find(name, status) is not None, timeout_seconds):
                find = self._find(name, status)
                assert find is not None
                return find
        came = sorted({f"{alert['labels']['alertname']} {alert['status']}" for alert in self._alerts})
        raise TimeoutError(
            f"{name} {status} did not come in {timeout_seconds:g} s; came: {', '.join(came) or 'nothing'}"
        )

    def _find(self, name: str, status: str) -> dict[str, Any] | None:
        alerts = [alert for alert in self._alerts if (alert["labels"]["alertname"], alert["status"]) == (name, status)]
        return alerts[0] if alerts else None


@contextmanager
def webhook(port: int = 0) -> Iterator[Received]:
    """A server on 127.0.0.1; `port` 0: a free one. Its address is `url` of what it yields."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                received.add(json.loads(body))
                self.send_response(200)
            except (ValueError, KeyError):
                self.send_response(400)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: pytest prints what fails."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    received = Received(f"http://127.0.0.1:{server.server_address[1]}/alerts")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
