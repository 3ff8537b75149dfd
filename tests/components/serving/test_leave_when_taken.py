"""The preStop hook that waits for the engine: what it asks, when it lets go, and that it never keeps a pod."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from components.serving.leave_when_taken import main
from components.serving.manifests.deployment import LEAVE_WHEN_TAKEN, deployment
from tests.components.plans import OPEN_MODEL
from tests.components.serving.test_warm_up import BEHIND_A_PROXY, COMPLETION, answering


def _asked(url: str, engine_seconds: float = 5) -> str:
    return json.dumps({"url": url, "model": "llama", "sleep_seconds": 0, "engine_seconds": engine_seconds})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, COMPLETION, "all taken\n"),
        (404, {"error": "does not support Completions API"}, "404 from the server\n"),
        (401, {"error": "Unauthorized"}, "401 from the server\n"),
    ],
)
def test_it_asks_once_for_one_token_and_lets_go_when_the_server_has_answered(
    status: int, body: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(status, body) as (url, asked):
        assert main(_asked(url)) == 0
    assert capsys.readouterr().out == said
    (sent,) = asked
    assert (sent["path"], sent["model"], sent["max_tokens"]) == ("/v1/completions", "llama", 1)


def test_a_full_queue_is_asked_again_until_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("components.serving.leave_when_taken.PAUSE_SECONDS", 0.05)
    with answering(503, {"error": "queue"}) as (url, asked):
        assert main(_asked(url, 0.3)) == 0
    assert len(asked) >= 2
    assert capsys.readouterr().out.endswith("not all taken within 0.3 s\n")


def test_a_server_that_does_not_listen_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked("http://127.0.0.1:9/v1/completions", 600)) == 0
    assert capsys.readouterr().out.startswith("no answer: ")


def test_who_asks_has_the_servers_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def open_it(_: Any, request: Any, timeout: float) -> Any:
        seen.append(request.get_header("Authorization"))
        raise OSError("enough")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", open_it)
    main(_asked("http://127.0.0.1:9/"))
    monkeypatch.setenv("VLLM_API_KEY", "sk-own")
    main(_asked("http://127.0.0.1:9/"))
    assert seen == [None, "Bearer sk-own"]


def test_what_is_rendered_runs_as_the_kubelet_runs_it_and_asks_for_the_served_name() -> None:
    drain = replace(OPEN_MODEL.drain, pre_stop_seconds=15, engine_wait_seconds=30)
    container = deployment(replace(OPEN_MODEL, drain=drain), "p")["spec"]["template"]["spec"]["containers"][0]
    program, flag, text, asked = container["lifecycle"]["preStop"]["exec"]["command"]
    assert (program, flag, text) == ("python3", "-c", LEAVE_WHEN_TAKEN)
    said = json.loads(asked)
    assert (said["model"], said["sleep_seconds"], said["engine_seconds"]) == (OPEN_MODEL.served_name, 15, 30)
    with answering(200, COMPLETION) as (url, _):
        request = json.dumps({**said, "url": url, "sleep_seconds": 0})
        command = [sys.executable, flag, text, request]
        ran = subprocess.run(command, env=BEHIND_A_PROXY, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "all taken\n")


@pytest.mark.parametrize(
    ("pre_stop", "wait", "hook"), [(15, 0, {"preStop": {"sleep": {"seconds": 15}}}), (0, 0, None)], ids=["sleep", "no"]
)
def test_where_there_is_nothing_to_wait_for_the_kubelet_sleeps(
    pre_stop: int, wait: int, hook: dict[str, Any] | None
) -> None:
    drain = replace(OPEN_MODEL.drain, pre_stop_seconds=pre_stop, engine_wait_seconds=wait)
    container = deployment(replace(OPEN_MODEL, drain=drain), "p")["spec"]["template"]["spec"]["containers"][0]
    assert container.get("lifecycle") == hook
