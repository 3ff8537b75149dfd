"""Runs in a worker's container when its pod is to end (preStop): it stays while its leader's engine lives.

`argv[1]`: JSON of {port, seconds}: the leader's port that its engine holds open, and how long at most. All pods of a
group are told to end at once; the leader then finishes its requests, which need every worker. Nothing tells a worker
that they are done, but the port closes with the leader's engine. Uses nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

LEADER = "LWS_LEADER_ADDRESS"
PAUSE_SECONDS, TIMEOUT_SECONDS = 1.0, 2.0
# One refusal may be an accident of the network.
MISSES = 2


def main(request: str) -> int:
    """0, whatever was found: the pod ends in any case."""
    asked = json.loads(request)
    deadline, misses = time.monotonic() + asked["seconds"], 0
    try:
        # Once: the name goes before the pod does.
        address = socket.gethostbyname(os.environ[LEADER])
    except (OSError, KeyError) as reason:
        print(f"no leader: {reason}")
        return 0
    while misses < MISSES and time.monotonic() < deadline:
        try:
            socket.create_connection((address, asked["port"]), timeout=TIMEOUT_SECONDS).close()
            misses = 0
        except OSError:
            misses += 1
        time.sleep(PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
