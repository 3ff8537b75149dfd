"""Runs in the vLLM image beside a server: brings what torch.compile made before, and keeps what it made now.

`argv[1]`: JSON of {mode, kept, root, url}. `kept`: the archive on the file system, named by version, GPU and flags;
`root`: VLLM_CACHE_ROOT, on the pod's own disk, where the server compiles. Mode restore unpacks the archive if it is
there; mode keep waits until the server answers at `url`, and packs `root` if it was not packed. The archive gets its
name when it is whole, so that no pod ever unpacks half of one. Uses nothing but the standard library.

A cache that cannot be had is no reason not to serve: whatever goes wrong is one line of the log.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tarfile
import time
import urllib.request
from pathlib import Path
from typing import Any

POLL_SECONDS = 2.0
# A proxy that the container's environment names is for what it fetches.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def restore(kept: Path, root: Path) -> str:
    """Unpacks the archive; says what it did."""
    if not kept.exists():
        return f"{kept} is not there yet: this server compiles, and keeps what it made"
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(kept) as archive:
        archive.extractall(root, members=_plain(archive, root))
    return f"{kept}: {kept.stat().st_size} bytes unpacked"


def _plain(archive: tarfile.TarFile, root: Path) -> list[tarfile.TarInfo]:
    """Files and folders below the root, and nothing else: what is kept may have been written by another pod.

    tarfile's own filter `data` is not in every Python 3.11.
    """
    members = archive.getmembers()
    for member in members:
        if not (root / member.name).resolve().is_relative_to(root.resolve()):
            raise tarfile.TarError(f"{member.name} is not below {root}")
    return [member for member in members if member.isreg() or member.isdir()]


def keep(kept: Path, root: Path) -> str:
    """Packs the folder under a name of this process, then gives it its own."""
    if kept.exists():
        return f"{kept} is there"
    if not root.is_dir() or not any(root.iterdir()):
        return f"{root} is empty: the server compiled nothing"
    half = kept.with_name(f".{kept.name}.{os.environ.get('HOSTNAME', 'pod')}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(half, "w") as archive:
            archive.add(root, arcname=".")
        half.rename(kept)
    finally:
        half.unlink(missing_ok=True)
    return f"{kept}: {kept.stat().st_size} bytes kept"


def ready(url: str) -> bool:
    """Whether the server answers with 200."""
    try:
        with DIRECTLY.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(request: str) -> None:
    """Does what is asked; in mode keep it stays until it is told to go, as a sidecar does."""
    asked: dict[str, Any] = json.loads(request)
    kept, root = Path(asked["kept"]), Path(asked["root"])
    keeps = asked["mode"] == "keep"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while keeps and not ready(asked["url"]):
        time.sleep(POLL_SECONDS)
    try:
        print(keep(kept, root) if keeps else restore(kept, root), flush=True)
    except (OSError, tarfile.TarError) as error:
        print(f"{kept}: {error}; the server goes on without it", flush=True)
    while keeps:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
