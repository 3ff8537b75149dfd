"""The life of a pod whose process really runs: start, probes, restarts, and its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from local.engine.engine import EngineState
from local.vllm_cpu import kubelet
from tests.local.engine.simulated import deleting, run, settle
from tests.local.vllm_cpu.pods import CONTAINER, PROBE, pods, served


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubelet, "BACK_OFF_SECONDS", (0, 0.1))
    monkeypatch.setattr(kubelet, "LEAST_GRACE_SECONDS", 0.2)


def test_a_pod_is_ready_only_once_its_probes_passed(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            ill = made.mark("ill")
            made.fleet.on_pod("ADDED", served())
            await made.until(lambda: made.member.lives)
            await made.until(lambda: len(made.written()) == 1)
            assert made.member.state is EngineState.LOADING
            ill.unlink()
            await made.until_ready()
            assert made.written() == [(False, False, 0, "running"), (True, False, 0, "running"),
                                      (True, True, 0, "running")]  # fmt: skip
            assert made.member.state is EngineState.SERVING
            ready = made.api.patches[-1][1]["status"]["conditions"]
            assert {c["type"]: c["status"] for c in ready} == {"Ready": "True", "ContainersReady": "True"}

    run(work)


def test_a_pod_that_was_ready_before_this_process_began_is_not_ready_until_its_new_process_is(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            item = served()
            item["status"]["containerStatuses"][0] |= {"ready": True, "started": True, "restartCount": 2}
            made.fleet.on_pod("ADDED", item)
            await made.until_ready()
            assert made.written()[0] == (False, False, 2, "running")

    run(work)


def test_nothing_starts_before_the_container_may_run_or_without_a_server(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            waiting = served()
            waiting["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "PodInitializing"}}
            other = served()
            other["spec"]["containers"][0]["name"] = "nginx"
            made.fleet.on_pod("ADDED", other)
            assert made.fleet.members == {}
            made.fleet.on_pod("ADDED", waiting)
            await settle()
            assert made.member.life is None

    run(work)


def test_a_process_that_ends_is_started_again_and_its_last_words_are_in_the_pod(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            refuse = made.mark("refuse")
            made.fleet.on_pod("ADDED", served())
            await made.until(lambda: made.member.restarts >= 2)
            crashed = [p["status"]["containerStatuses"][0] for _, p in made.api.patches]
            crashed = [s for s in crashed if "waiting" in s["state"]]
            assert [s["restartCount"] for s in crashed[:2]] == [1, 2]
            ended = crashed[0]["lastState"]["terminated"]
            assert ended["exitCode"] == 1
            assert "unrecognized arguments: --no-such-flag" in ended["message"]
            assert crashed[0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
            assert "simulated" not in str(crashed)
            refuse.unlink()
            await made.until_ready()
            assert made.written()[-1][:2] == (True, True)
            assert made.api.patches[-1][1]["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1

    run(work)


@pytest.mark.parametrize(
    ("kind", "given"), [("startupProbe", PROBE), ("livenessProbe", PROBE)], ids=["startup", "liveness"]
)
def test_a_failing_probe_has_the_container_restarted_after_its_threshold(
    tmp_path: Path, kind: str, given: dict[str, Any]
) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            if kind == "livenessProbe":
                made.fleet.on_pod("ADDED", served(livenessProbe=given))
                await made.until_ready()
            ill = made.mark("ill")
            if kind == "startupProbe":
                made.fleet.on_pod("ADDED", served(startupProbe=given))
            await made.until(lambda: made.member.restarts >= 1)
            assert any(f"{kind} failed 3 times in a row" in line for line in made.lines)
            assert (False, False, 1, "waiting") in made.written()
            ill.unlink()

    run(work)


def test_readiness_goes_after_its_threshold_and_comes_back_without_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.fleet.on_pod("ADDED", served())
            await made.until_ready()
            ill = made.mark("ill")
            await made.until(lambda: not made.member.ready)
            assert made.written()[-1] == (True, False, 0, "running")
            ill.unlink()
            await made.until_ready()
            assert made.member.restarts == 0

    run(work)


def test_without_probes_a_container_is_started_and_ready_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.mark("ill")
            made.fleet.on_pod("ADDED", served(startupProbe=None, readinessProbe=None))
            await made.until_ready()

    run(work)


def test_a_deleted_pod_serves_through_its_hook_then_gets_sigterm_and_goes(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            item = served(lifecycle={"preStop": {"sleep": {"seconds": 0.6}}})
            made.fleet.on_pod("ADDED", item)
            await made.until_ready()
            made.fleet.on_pod("MODIFIED", deleting(item))
            term = made.root.parent / "term"
            await made.until(lambda: made.member.end is not None)
            assert made.fleet.local_port("models", "qwen-0", 8000) is not None
            assert made.fleet.local_port("models", "qwen-0", 8001) is None
            assert not term.exists()
            await made.until(lambda: made.api.deleted != [])
            assert term.exists()
            assert made.api.deleted == [("/api/v1/namespaces/models/pods/qwen-0", "qwen-0")]
            assert made.fleet.local_port("models", "qwen-0", 8000) is None
            assert "INFO vllm ended with exit code 0" in made.lines
            assert made.member.restarts == 0, "a terminating pod's container is not started again"
            made.fleet.on_pod("DELETED", item)
            await made.until(lambda: not made.root.parent.exists())

    run(work)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["python3", "-c", "import os; os.mkdir('../hook'); print('all taken')"],
            "INFO preStop: exit code 0: all taken",
        ),
        (["python3", "-c", "import os; os.mkdir('../hook'); exit('no')"], "WARNING preStop: exit code 1: no"),
        (["no-such-program"], "WARNING preStop: exit code None: "),
    ],
    ids=["passes", "fails", "missing"],
)
def test_a_hook_is_run_in_the_container_before_sigterm_which_comes_whatever_became_of_it(
    tmp_path: Path, command: list[str], said: str
) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            item = served(lifecycle={"preStop": {"exec": {"command": command}}})
            made.fleet.on_pod("ADDED", item)
            await made.until_ready()
            made.fleet.on_pod("MODIFIED", deleting(item))
            await made.until(lambda: made.api.deleted != [])
            (told,) = [line for line in made.lines if "preStop" in line]
            assert told.startswith(said)
            assert made.lines.index(told) < made.lines.index("INFO SIGTERM")
            assert (made.root.parent / "hook").exists() == (command[0] == "python3")

    run(work)


def test_a_hook_that_stays_is_ended_with_the_grace_period(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            hook = {"exec": {"command": [sys.executable, "-c", "import time; time.sleep(600)"]}}
            item = served(lifecycle={"preStop": hook})
            made.fleet.on_pod("ADDED", item)
            await made.until_ready()
            made.fleet.on_pod("MODIFIED", deleting(item, grace_seconds=1))
            await made.until(lambda: made.api.deleted != [])
            assert "INFO SIGTERM" in made.lines

    run(work)


@pytest.mark.parametrize(("grace", "hook"), [(1, 0), (1, 5)])
def test_a_process_that_stays_is_killed_at_the_end_of_its_grace(tmp_path: Path, grace: int, hook: int) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.mark("stubborn")
            item = served(lifecycle={"preStop": {"sleep": {"seconds": hook}}})
            made.fleet.on_pod("ADDED", item)
            await made.until_ready()
            made.fleet.on_pod("MODIFIED", deleting(item, grace_seconds=grace))
            await made.until(lambda: made.api.deleted != [])
            assert made.member.server is not None
            assert made.member.server.exit_code == -9
            assert (made.root.parent / "term").exists()

    run(work)


def test_a_pod_deleted_while_it_crashes_is_gone_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.mark("refuse")
            made.fleet.on_pod("ADDED", served())
            await made.until(lambda: made.member.restarts >= 2)
            made.fleet.on_pod("MODIFIED", deleting(served()))
            await made.until(lambda: made.api.deleted != [])
            assert made.member.life is not None
            assert made.member.life.done()

    run(work)


def test_a_probe_of_a_kind_that_is_not_run_here_is_said_in_the_pod(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            made.fleet.on_pod("ADDED", served(readinessProbe={"tcpSocket": {"port": 8000}}))
            await made.until(lambda: made.member.restarts >= 1)
            assert any(
                "only httpGet and exec probes are run here, and this one is tcpSocket" in line for line in made.lines
            )

    run(work)


ASKS = (
    "import pathlib, sys, urllib.request; pathlib.Path(sys.argv[1]).touch(); "
    "print(urllib.request.urlopen(sys.argv[2]).status, sys.executable); sys.exit(not pathlib.Path('warm').exists())"
)


def _exec(*command: str, **more: Any) -> dict[str, Any]:
    return {
        "exec": {"command": [*command]},
        "periodSeconds": 0.05,
        "failureThreshold": 400,
        "timeoutSeconds": 5,
        **more,
    }


def test_a_command_that_is_a_startup_probe_runs_in_the_container_before_it_is_ready(tmp_path: Path) -> None:
    """As warmUp is rendered: it asks the port that the container thinks it has, with the image's Python."""

    async def work() -> None:
        async with pods(tmp_path) as made:
            own = tmp_path / "engine" / "bin" / "python3"
            own.parent.mkdir(parents=True, exist_ok=True)
            own.symlink_to(sys.executable)
            probe = _exec("python3", "-c", ASKS, "asked", "http://127.0.0.1:8000/health")
            made.fleet.on_pod("ADDED", served(startupProbe=probe))
            await made.until(lambda: (made.root / "asked").exists())
            await made.until(lambda: any("startupProbe: exit code 1: 200" in line for line in made.lines))
            assert not made.member.ready
            assert (True, True, 0, "running") not in made.written()
            made.mark("warm")
            await made.until_ready()
            assert f"INFO startupProbe: exit code 0: 200 {own}" in made.lines

    run(work)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("sleep", "60"), "exit code None: no answer within 0.1 s"),
        (("sh", "-c", "echo not yet; exit 3"), "exit code 3: not yet"),
        (("no-such-program",), "exit code None: [Errno 2]"),
    ],
)
def test_a_command_that_fails_or_takes_too_long_has_the_container_started_again(
    tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            probe = _exec(*command, failureThreshold=2, timeoutSeconds=0.1 if command[0] == "sleep" else 5)
            made.fleet.on_pod("ADDED", served(startupProbe=probe))
            await made.until(lambda: made.member.restarts >= 1)
            assert any(said in line for line in made.lines), made.lines
            assert any("startupProbe failed 2 times in a row" in line for line in made.lines)

    run(work)


def test_the_port_is_the_one_of_the_arguments(tmp_path: Path) -> None:
    async def work() -> None:
        async with pods(tmp_path) as made:
            item = served(startupProbe=None)
            item["spec"]["containers"][0]["args"] += ["--port=9000"]
            made.fleet.on_pod("ADDED", item)
            await made.until(lambda: made.member.lives)
            assert made.fleet.local_port("models", "qwen-0", 8000) is None
            assert made.fleet.local_port("models", "qwen-0", 9000) is not None
            assert not made.member.ready, "the probe asks on 8000, where nobody listens"

    run(work)
    assert CONTAINER["ports"][0]["containerPort"] == 8000
