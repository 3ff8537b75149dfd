"""The command as a user types it, against the contract endpoint over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import REPO


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "local.aws_endpoint", "--port", str(port)], cwd=REPO)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def run(endpoint: str, *words: str) -> tuple[int, Any]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": endpoint}
    done = subprocess.run(
        [sys.executable, "-m", "preflight", *words, "--json", "--seconds", "300"],
        cwd=REPO,
        env={**os.environ, **keys},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_stack_is_asked_about_in_one_command(endpoint: str) -> None:
    code, told = run(endpoint, "local")
    assert (code, told["asked"], told["account"]) == (0, True, "123456789012")
    assert {answer["verdict"] for answer in told["answers"]} == {"ok"}
    assert {answer["question"] for answer in told["answers"]} >= {
        "zones",
        "types",
        "quotas",
        "ami",
        "addons",
        "cluster",
    }


def test_an_endpoint_that_nobody_serves_is_one_answer_and_ends() -> None:
    code, told = run("http://127.0.0.1:9", "local")
    assert code == 1
    (answer,) = told["answers"]
    assert answer["message"].startswith("AWS does not know the caller (sts:GetCallerIdentity: EndpointConnectionError)")
