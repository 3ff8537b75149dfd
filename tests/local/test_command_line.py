"""`python -m local` when nothing runs, and how fast it is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import main
from local.build.table import NEEDS
from local.commands.platform import exclusively
from local.host.errors import PlatformError
from local.host.paths import platform_paths
from tests.conftest import REPO


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A platform of the test's own, which does not run."""
    monkeypatch.setenv("VLLM_ON_EKS_LOCAL_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("command", ["status", "logs", "down"])
def test_commands_work_and_say_so_when_nothing_runs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 0
    out = capsys.readouterr().out
    assert "nothing" in out


def test_errors_are_words_not_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env"]) == 1
    assert capsys.readouterr().err == "error: nothing runs; start it with: make up\n"


def test_an_unknown_log_names_those_there_are(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "log").mkdir(parents=True)
    (elsewhere / "log" / "etcd.log").write_text("line\n")
    assert main(["logs", "etc"]) == 1
    assert "no log 'etc'; logs: etcd" in capsys.readouterr().err


def test_down_removes_a_half_dead_platform(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stacks = elsewhere / "pulumi" / ".pulumi" / "stacks" / "vllm-on-eks"
    stacks.mkdir(parents=True)
    (stacks / "local.json").write_text('{"checkpoint": {"latest": {"resources": [{}, {}]}}}')
    assert main(["down"]) == 0
    assert "not destroying local: etcd, kube-apiserver" in capsys.readouterr().out
    assert not elsewhere.exists()


def test_real_servers_are_refused_in_one_line_where_they_are_not_installed_and_nothing_starts(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(elsewhere / "no-cache"))
    monkeypatch.setattr("local.vllm_cpu.environment.check_machine", lambda: None)
    assert main(["up", "--engine", "vllm"]) == 1
    said = capsys.readouterr()
    assert said.err == "error: vLLM is not installed here; first run: make engine (6 GB, some minutes)\n"
    assert said.out == ""
    assert not elsewhere.exists()


def test_an_engine_that_there_is_not_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--engine", "vlm"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "vlm" in said
    assert "simulated" in said
    assert "vllm" in said.replace("'vlm'", "")


def test_the_help_of_tools_names_every_need(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tools", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert [need for need in NEEDS if need not in text] == []


def test_two_at_a_time_are_refused(elsewhere: Path) -> None:
    paths = platform_paths()
    refused = pytest.raises(PlatformError, match="another up or down works on")
    with exclusively(paths), refused, exclusively(paths):
        pass


def test_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys, local.__main__;"
        "print([m for m in ('kubernetes', 'boto3', 'cryptography', 'pulumi') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
