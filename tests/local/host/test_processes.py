"""Processes of the platform: found again, named when they fail, and never mistaken for somebody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.host.errors import ProcessFailed
from local.host.processes import Processes, ProcessSpec
from tests.local.places import paths_in

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    manager = Processes(paths_in(tmp_path))
    yield manager
    manager.stop_all()


def python(name: str, code: str, **options: object) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-c", code), **{"ready": lambda: True, **options})  # type: ignore[arg-type]


def test_a_process_that_lives_is_used_again(processes: Processes) -> None:
    assert processes.ensure(python("one", SLEEP)) is True
    record = processes.record("one")
    assert processes.ensure(python("one", SLEEP)) is False
    assert processes.record("one") == record


def test_another_manager_finds_it_too(processes: Processes, tmp_path: Path) -> None:
    processes.ensure(python("one", SLEEP))
    later = Processes(paths_in(tmp_path))
    assert later.is_alive("one")
    assert later.ensure(python("one", SLEEP)) is False


def test_a_process_that_would_start_differently_is_started_anew(processes: Processes, tmp_path: Path) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text("a")
    pids = []
    for environment, content in ({}, "a"), ({"X": "1"}, "a"), ({"X": "1"}, "b"):
        file.write_text(content)
        assert processes.ensure(python("one", SLEEP, environment=environment, content=(file,))) is True
        record = processes.record("one")
        assert record is not None
        pids.append(record.pid)
    assert len(set(pids)) == 3
    assert [pid for pid in pids if psutil.pid_exists(pid)] == pids[-1:]


def test_a_crash_is_named_with_the_last_lines_of_this_run_only(processes: Processes) -> None:
    with pytest.raises(ProcessFailed):
        processes.ensure(python("engine", "print('older trouble'); raise SystemExit(1)", ready=lambda: False))
    code = "import sys; print('port 80: permission denied'); sys.exit(3)"
    with pytest.raises(ProcessFailed) as failure:
        processes.ensure(python("engine", code, ready=lambda: False))
    assert failure.value.name == "engine"
    assert "engine ended with exit code 3" in str(failure.value)
    assert "    | port 80: permission denied" in str(failure.value)
    assert "older trouble" not in str(failure.value)
    assert "engine.log" in str(failure.value)


def test_one_that_does_not_come_up_is_named_with_its_log(processes: Processes) -> None:
    spec = python("slow", SLEEP, ready=lambda: False, ready_timeout_seconds=0.6)
    with pytest.raises(ProcessFailed, match=r"slow was not ready after 1 s; the end of .*slow\.log:\n    \| up"):
        processes.ensure(spec)


def test_a_program_that_is_not_there_is_named(processes: Processes) -> None:
    with pytest.raises(ProcessFailed, match="etcd could not be started"):
        processes.ensure(ProcessSpec("etcd", ("/nowhere/etcd",), lambda: True))


def test_a_recycled_pid_is_neither_taken_for_ours_nor_stopped(processes: Processes, tmp_path: Path) -> None:
    processes.ensure(python("one", SLEEP))
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        file = tmp_path / "state" / "run" / "one.pid"
        ours = json.loads(file.read_text())
        file.write_text(json.dumps({**ours, "pid": stranger.pid, "started_at": ours["started_at"] - 3600}))
        assert not processes.is_alive("one")
        assert processes.stop("one") is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        os.kill(ours["pid"], 9)


def test_a_dead_process_is_started_again(processes: Processes) -> None:
    processes.ensure(python("one", SLEEP))
    record = processes.record("one")
    assert record is not None
    os.kill(record.pid, 9)
    psutil.wait_procs([psutil.Process(record.pid)], timeout=5)
    assert not processes.is_alive("one")
    assert processes.ensure(python("one", SLEEP)) is True


def test_stopping_ends_what_the_process_started_too(processes: Processes, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time, pathlib;"
        f"c = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(c.pid)); time.sleep(60)"
    )
    processes.ensure(python("one", code, ready=(tmp_path / "child").exists))
    child = int((tmp_path / "child").read_text() or "0")
    assert processes.stop("one") is True
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert processes.records() == []


def test_one_that_does_not_listen_to_sigterm_is_killed(processes: Processes, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    processes.ensure(python("deaf", code, ready=ready.exists))
    assert processes.stop("deaf", grace_seconds=0.3) is True
    assert processes.records() == []


def test_stop_all_goes_backwards_and_names_only_the_living(processes: Processes) -> None:
    for name in ("a", "b", "c"):
        processes.ensure(python(name, SLEEP))
    record = processes.record("b")
    assert record is not None
    os.kill(record.pid, 9)
    psutil.wait_procs([psutil.Process(record.pid)], timeout=5)
    assert processes.stop_all() == ["c", "a"]


def test_a_file_of_an_earlier_run_does_not_make_it_ready(processes: Processes, tmp_path: Path) -> None:
    stale = tmp_path / "services.json"
    stale.touch()
    spec = python("e", SLEEP, ready=stale.exists, writes_when_ready=(stale,), ready_timeout_seconds=0.4)
    with pytest.raises(ProcessFailed, match="was not ready"):
        processes.ensure(spec)
