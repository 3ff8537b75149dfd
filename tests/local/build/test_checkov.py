"""Where checkov is kept. Installing it needs a network and is shown by `make scan`."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.build import checkov as module
from local.build.checkov import LOCK, checkov
from tests.local.places import paths_in


def test_an_environment_is_kept_for_as_long_as_the_list_of_packages_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path)
    paths.repo.mkdir(parents=True, exist_ok=True)
    listed = paths.repo / LOCK
    made: list[str] = []

    def install(label: str, command: list[str], *_: object) -> None:
        assert command[-1] == str(listed)
        assert "--no-deps" in command, "only what the lock pins"
        assert "--require-hashes" in command
        made.append(label)

    monkeypatch.setattr("venv.create", lambda folder, **_: Path(folder).mkdir(parents=True))
    monkeypatch.setattr(module, "run_shown", install)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: None)
    listed.write_text("checkov==1\n")
    first = checkov(paths)
    assert checkov(paths) == first
    assert made == ["checkov"]
    listed.write_text("checkov==2\n")
    assert checkov(paths) != first
    assert made == ["checkov", "checkov"]


def test_an_interrupted_installation_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = paths_in(tmp_path)
    paths.repo.mkdir(parents=True, exist_ok=True)
    (paths.repo / LOCK).write_text("checkov==1\n")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("venv.create", lambda folder, **_: Path(folder).mkdir(parents=True))
    monkeypatch.setattr(module, "run_shown", fail)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            checkov(paths)
