"""The supervisor's decisions; no program is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.control_plane.certificates import Pki
from local.host.errors import ProcessFailed
from local.host.ports import USUAL
from local.host.processes import ProcessSpec
from local.monitoring import supervisor
from local.monitoring.programs import PROGRAMS
from local.monitoring.specs import Place, Wanted
from local.monitoring.supervisor import Keeper, Pods, write_files
from tests.local.monitoring.objects import pod
from tests.local.places import paths_in


class FakeProcesses:
    """Stands for local.host.processes.Processes: remembers what it was asked."""

    def __init__(self) -> None:
        self.alive, self.started = False, 0

    def is_alive(self, name: str) -> bool:
        return self.alive

    def ensure(self, spec: ProcessSpec) -> bool:
        was, self.alive = self.alive, True
        self.started += not was
        return not was

    def stop(self, name: str) -> bool:
        was, self.alive = self.alive, False
        return was


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    paths = paths_in(tmp_path)
    made = Keeper(PROGRAMS[1], Place(paths, Pki(paths.pki), USUAL))
    monkeypatch.setattr(made, "_processes", FakeProcesses())
    return made


def plan(folder: Path, **files: str) -> Wanted:
    spec = ProcessSpec("prometheus", ("prometheus",), lambda: True)
    contents = {folder / name: text.encode() for name, text in files.items()}
    return Wanted(spec, contents, folder, folder.parent / "data" / "claim", "http://127.0.0.1:1/-/reload")


def test_a_pod_comes_and_goes_with_its_events() -> None:
    pods = Pods()
    pods.on_pod("ADDED", pod("other", "nginx"))
    assert pods.behind("prometheus") is None
    pods.on_pod("ADDED", pod("prometheus-0", ready=False))
    assert pods.behind("prometheus") is None
    pods.on_pod("MODIFIED", pod("prometheus-0"))
    assert pods.behind("prometheus") is not None
    pods.on_pod("DELETED", pod("prometheus-0"))
    assert pods.behind("prometheus") is None


def test_files_are_written_once_and_those_that_are_gone_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    assert write_files(plan(folder, a="1", b="2"))
    assert not write_files(plan(folder, a="1", b="2"))
    assert write_files(plan(folder, a="1"))
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert (folder / "a").stat().st_mode & 0o077 == 0  # a Secret's content may be among them


def test_a_change_of_files_is_reloaded_and_tried_again_until_it_is_accepted(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ["parse error", None]
    asked: list[str] = []

    def reload(url: str) -> str | None:
        asked.append(url)
        return answers.pop(0)

    monkeypatch.setattr(supervisor, "reload", reload)
    keeper.keep(plan(tmp_path / "root", a="1"))
    assert asked == []  # it has just been started with them
    for _ in range(3):
        keeper.keep(plan(tmp_path / "root", a="2"))
    assert len(asked) == 2
    said = capsys.readouterr().out
    assert "reload refused, the old configuration goes on: parse error" in said
    assert said.endswith("prometheus: files changed, reloaded\n")


def test_data_of_a_claim_that_is_gone_does_not_come_back(keeper: Keeper, tmp_path: Path) -> None:
    lost = tmp_path / "data" / "lost"
    lost.mkdir(parents=True)
    keeper.keep(plan(tmp_path / "root"))
    (tmp_path / "data" / "claim" / "wal").touch()
    keeper.keep(plan(tmp_path / "root"))
    assert [path.name for path in (tmp_path / "data").rglob("*")] == ["claim", "wal"]


def test_a_program_that_ended_is_started_again(keeper: Keeper, tmp_path: Path) -> None:
    fake = keeper._processes
    assert isinstance(fake, FakeProcesses)
    keeper.keep(plan(tmp_path / "root"))
    fake.alive = False
    keeper.keep(plan(tmp_path / "root"))
    assert fake.started == 2


def test_a_state_that_lasts_is_said_once(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        keeper.say_once(str(ProcessFailed("prometheus", "is gone", Path("log"), "last words")))
    assert capsys.readouterr().out.count("last words") == 1
