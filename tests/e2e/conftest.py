"""One platform for all end-to-end tests: in a folder of its own, beside a platform that the user may have up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.host.paths import Paths, platform_paths
from local.host.processes import Processes
from local.stacks.stack import Stack
from tests.conftest import REPO

COMMAND_TIMEOUT_SECONDS = 1800  # a cold start builds the programs first


@dataclass(frozen=True)
class Platform:
    """The platform under test, driven as a user drives it: by its commands."""

    paths: Paths

    def run(self, *arguments: str, check: bool = True) -> str:
        """Output of `python -m local ...`, both streams; fails the test with it when the command fails."""
        done = subprocess.run(
            [sys.executable, "-m", "local", *arguments], cwd=REPO, text=True, timeout=COMMAND_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def ports(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads((self.paths.run / "ports.json").read_text())
        return ports

    @property
    def processes(self) -> Processes:
        return Processes(self.paths)

    def stack(self, name: str) -> Stack:
        return Stack(self.paths, self.ports, name)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with its processes up and no stack on it; everything goes at the end, also after a failure."""
    state = tmp_path_factory.mktemp("e2e") / "local"
    os.environ["VLLM_ON_EKS_LOCAL_DIR"] = str(state)
    running = Platform(platform_paths())
    try:
        running.run("start")
        yield running
    finally:
        print(running.run("down", check=False))
        del os.environ["VLLM_ON_EKS_LOCAL_DIR"]
