"""`python -m local.build.checkov` prints where checkov is, and installs it first where it is not there yet.

It has a virtual environment of its own in the user's cache: it pins boto3, packaging and more below what we need. Its
packages and their hashes stand in requirements-scan.lock; another lock is another environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from local.build.go import run_shown
from local.host.paths import Paths, platform_paths

LOCK = "requirements-scan.lock"


def checkov(paths: Paths) -> Path:
    """The program; raises BuildFailed when pip cannot install it."""
    listed = paths.repo / LOCK
    key = hashlib.sha256(listed.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = paths.cache / "tools" / f"checkov-{key}"
    program = folder / "bin" / "checkov"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run left; an environment cannot be renamed
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        install = [*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(listed)]
        run_shown("checkov", install, paths.cache, os.environ)
        subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)
        done.touch()
    return program


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # progress; standard output is for the path alone
        environment = checkov(platform_paths())
    print(environment)
