"""Runs in a server's container when its pod is to end (preStop): SIGTERM comes after its engine took every request.

`argv[1]`: JSON of {url, model, sleep_seconds, engine_seconds}. It sleeps while endpoint lists forget the pod, then
it asks for one token: the engine takes requests in order, so all earlier ones are taken when it comes, and vLLM lets
those end. What still waits before the engine at SIGTERM vLLM 0.32 answers with 200 and no token, however long ago it
came (vllm/v1/engine/core.py, _reject_add_in_shutdown): all that came while the engine was in one step. Uses nothing
but the standard library.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request

# A queue that is full says so (vLLM's --max-num-queued-reqs).
FULL = (429, 503)
PAUSE_SECONDS = 1.0
# A proxy that the container's environment names is for what it fetches.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(request: str) -> int:
    """0, whatever came of it: the pod ends in any case."""
    asked = json.loads(request)
    time.sleep(asked["sleep_seconds"])
    deadline = time.monotonic() + asked["engine_seconds"]
    while (left := deadline - time.monotonic()) > 0:
        try:
            _one_token(asked, left)
        except urllib.error.HTTPError as refusal:
            print(f"{refusal.code} from the server")
            if refusal.code not in FULL:
                return 0  # it generates nothing, or not without a key: nothing is known of its engine
            time.sleep(min(PAUSE_SECONDS, left))
        except (OSError, ValueError) as reason:
            print(f"no answer: {reason}")
            return 0
        else:
            print("all taken")
            return 0
    print(f"not all taken within {asked['engine_seconds']} s")
    return 0


def _one_token(asked: dict[str, str], timeout_seconds: float) -> None:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("VLLM_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    body = {"model": asked["model"], "prompt": "Hello", "max_tokens": 1, "temperature": 0}
    request = urllib.request.Request(asked["url"], json.dumps(body).encode(), headers)
    with DIRECTLY.open(request, timeout=timeout_seconds) as answer:
        answer.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
