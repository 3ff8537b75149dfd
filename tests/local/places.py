"""A platform's paths in a test's own folder."""

from __future__ import annotations

from pathlib import Path

from local.host.paths import Paths


def paths_in(folder: Path) -> Paths:
    """Checkout, state, tools and cache below `folder`; nothing is made but the checkout's folder."""
    (folder / "checkout").mkdir(exist_ok=True)
    return Paths(folder / "checkout", folder / "state", folder / "tools", folder / "cache")


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
