"""The startup probe that generates one token: what it takes for warm, against servers that answer as vLLM does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from components.serving.manifests.deployment import WARM_UP, deployment
from components.serving.warm_up import main
from planning.serving.probes import startup
from tests.components.plans import OPEN_MODEL
from tests.planning.stacks import model, planned

BEHIND_A_PROXY = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
"""The environment of a container whose owner fetches through a proxy: its own server is not behind it."""
COMPLETION = {"choices": [{"text": "!"}], "usage": {"completion_tokens": 1}}


@contextmanager
def answering(status: int, body: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server on a port of its own, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def do_POST(self) -> None:
            asked.append({"path": self.path, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))})
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/completions", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, COMPLETION, 0, "warm: 1 token"),
        (404, {"error": "does not support Completions API"}, 0, "404: it generates nothing"),
        (401, {"error": "Unauthorized"}, 0, "401: it generates nothing"),
        (503, {"error": "loading"}, 1, "503: not yet"),
        (500, {"error": "EngineDeadError"}, 1, "500: not yet"),
        (200, {"choices": []}, 1, "not yet: 'usage'"),
        (200, "no object", 1, "not yet"),
    ],
)
def test_it_is_warm_when_a_token_came_or_none_ever_will(
    status: int, body: Any, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(status, body) as (url, asked):
        assert main(json.dumps({"url": url, "model": "llama", "seconds": 5})) == code
    assert capsys.readouterr().out.startswith(said)
    (body_sent,) = asked
    assert (body_sent["path"], body_sent["model"], body_sent["max_tokens"]) == ("/v1/completions", "llama", 1)


def test_a_port_that_is_not_open_yet_is_not_warm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(json.dumps({"url": "http://127.0.0.1:9/v1/completions", "model": "llama", "seconds": 1})) == 1
    assert capsys.readouterr().out.startswith("not yet: ")


def test_what_is_rendered_runs_as_the_kubelet_runs_it_and_asks_for_the_served_name() -> None:
    served = replace(OPEN_MODEL, warm_up=True, startup_probe=startup(100, warm_up=True))
    container = deployment(served, "p")["spec"]["template"]["spec"]["containers"][0]
    probe = container["startupProbe"]
    program, flag, text, asked = probe["exec"]["command"]
    assert (program, flag, text) == ("python3", "-c", WARM_UP)
    assert json.loads(asked)["model"] == served.served_name
    assert json.loads(asked)["seconds"] < probe["timeoutSeconds"]
    assert "httpGet" in container["readinessProbe"]
    with answering(200, COMPLETION) as (url, _):
        request = json.dumps({**json.loads(asked), "url": url})
        command = [sys.executable, flag, text, request]
        ran = subprocess.run(command, env=BEHIND_A_PROXY, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "warm: 1 token\n")


def test_the_setting_makes_the_probe_and_gives_it_the_time_of_a_completion() -> None:
    usual, warm = (planned(models=[model(warmUp=on)]).models[0] for on in (False, True))
    assert (usual.warm_up, warm.warm_up) == (False, True)
    assert usual.startup_probe.timeout_seconds == 5
    assert warm.startup_probe.timeout_seconds == 30
    assert warm.startup_probe.failure_threshold > usual.startup_probe.failure_threshold
