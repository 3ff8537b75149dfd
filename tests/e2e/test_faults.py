"""Ten quick scenarios of `make faults`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO

pytestmark = pytest.mark.e2e

QUICK = (
    "kill-01-up", "kill-02-update", "kill-04-destroy", "api-429", "provider-kubernetes", "gpu-gone",
    "wrong-image", "stuck-finalizer", "two-updates", "state-truncated",
)  # fmt: skip


def test_a_sample_of_faults_is_survived() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local", "faults", "--seed", "20261121", "--only", ",".join(QUICK)],
        cwd=REPO, text=True, timeout=1800, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert f"{len(QUICK)} of {len(QUICK)} held, seed 20261121" in done.stdout
    assert done.stdout.count("held   ") == len(QUICK)
