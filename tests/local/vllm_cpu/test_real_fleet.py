"""No process stays behind: of a pod that is gone, of a platform that goes, of an engine process that was killed."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from local.vllm_cpu.server import as_user, can_be, end_leftovers
from tests.local.engine.simulated import run
from tests.local.vllm_cpu.pods import pods, served


def test_a_pod_object_that_is_gone_takes_its_process_along(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.fleet.on_pod("ADDED", served())
            await made.until_ready()
            server = made.member.server
            assert server is not None
            made.fleet.on_pod("DELETED", served())
            assert made.fleet.members == {}
            assert server.exit_code == -9
            assert not made.root.exists()

    run(work)


def test_another_pod_of_the_same_name_gets_a_process_of_its_own(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.fleet.on_pod("ADDED", served())
            await made.until_ready()
            first = made.member.server
            again = served()
            again["metadata"]["uid"] = "another"
            made.fleet.on_pod("ADDED", again)
            await made.until_ready()
            assert first is not None
            assert first.exit_code == -9
            made.fleet.on_pod("DELETED", served())
            assert made.member.lives, "that was of the earlier one"

    run(work)


def test_the_end_of_the_engine_process_ends_every_server(tmp_path: Path) -> None:
    servers = []

    async def work() -> None:
        async with pods(tmp_path) as made:
            made.fleet.on_pod("ADDED", served())
            await made.until_ready()
            servers.append(made.member.server)

    run(work)
    (server,) = servers
    assert server is not None
    assert server.exit_code == -9


def test_what_a_killed_engine_process_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    ours, other = tmp_path / "processes" / "uid" / "root", tmp_path / "elsewhere"
    for folder in (ours, other):
        folder.mkdir(parents=True)
    left = subprocess.Popen(["sh", "-c", "sleep 300 & sleep 300"], cwd=ours)
    stays = subprocess.Popen(["sleep", "300"], cwd=other)
    try:
        while not psutil.Process(left.pid).children():
            time.sleep(0.01)
        assert end_leftovers(tmp_path / "processes") >= 2
        left.wait(10)
        assert stays.poll() is None
        assert end_leftovers(tmp_path / "processes") == 0
    finally:
        stays.kill()
        stays.wait()


def test_the_rendered_user_is_taken_only_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert as_user(10001) == []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert not can_be(None)
    assert as_user(10001)[:3] == ["setpriv", "--reuid=10001", "--regid=10001"]
