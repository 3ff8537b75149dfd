"""How long `python -m preflight` takes, a process each time as a user starts it, against the contract endpoint.

python -m bench.preflight [dev prod]     per stack: wall clock (first run, then the better of two more), CPU, answers
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

STARTS_WITHIN_SECONDS = 60.0


@contextmanager
def endpoint() -> Iterator[str]:
    """The contract endpoint on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local.aws_endpoint", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while not _listens(port) and time.monotonic() < until:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def once(stack: str, url: str) -> tuple[float, float, int]:
    """Seconds of wall clock and CPU, and how many answers it gave."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": url}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "preflight", stack, "--json"]
    done = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True, check=False)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, cpu, len(json.loads(done.stdout)["answers"])


def main(stacks: list[str]) -> None:
    """Prints a line per stack, and the machine's load."""
    with endpoint() as url:
        for stack in stacks:
            first, *others = (once(stack, url) for _ in range(3))
            fastest = min(others)
            print(
                f"{stack}: first {first[0]:.1f} s, then {fastest[0]:.1f} s (CPU {fastest[1]:.1f} s), "
                f"{fastest[2]} answers, load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:] or ["dev", "prod"])
