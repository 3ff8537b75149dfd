"""Servers of the real vLLM that a test starts by itself."""

from __future__ import annotations

import os
import time
import urllib.request
from pathlib import Path

from local.vllm_cpu.server import Server


def open_to_servers(folder: Path) -> None:
    """Where we are root the server is another user, and pytest's folders are closed to it."""
    for above in (folder, *folder.parents[:3]):
        if above.stat().st_uid == os.getuid() and above.is_relative_to("/tmp"):
            above.chmod(0o755)


def until_healthy(server: Server, patience_seconds: float = 600) -> None:
    """Until it answers; fails with its log when it ends or takes too long."""
    opener, deadline = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + patience_seconds
    while True:
        try:
            opener.open(f"http://127.0.0.1:{server.port}/health", timeout=5).close()
        except OSError:
            assert server.exit_code is None, server.log.read_text()[-3000:]
            assert time.monotonic() < deadline, server.log.read_text()[-3000:]
            time.sleep(0.3)
        else:
            return
