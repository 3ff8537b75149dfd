"""A small checkout of our own, with git, whose stack files a test may change."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPO

ROOMS = ("settings", "planning", "components", "preflight", "preview", "policies")
WITHOUT = shutil.ignore_patterns("__pycache__")
IDENTITY = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}


def make_checkout(folder: Path, *, rooms: tuple[str, ...] = ROOMS) -> Path:
    """The product's rooms, its program and its stack files, in one commit."""
    for room in rooms:
        shutil.copytree(REPO / room, folder / room, ignore=WITHOUT)
    for file in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        shutil.copy(REPO / file, folder / file)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Output of a git command, without this machine's git configuration."""
    environment = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> str:
    """Commits everything and returns the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD").strip()


def sections(folder: Path, stack: str) -> dict[str, Any]:
    """The stack file, prefixed keys as they stand."""
    document: dict[str, Any] = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())
    return document["config"]  # type: ignore[no-any-return]


def write(folder: Path, stack: str, config: dict[str, Any]) -> None:
    """Writes a stack file."""
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
