"""Runs in the server's container as its startup probe: one completion before the first request of a user.

`argv[1]`: JSON of {url, model}. Exit code 0 once the server has generated a token: until then the kubelet asks again,
and the pod is not Ready. A server that is up and does not generate (an embedding model, one behind a key) is as warm
as it gets. Uses nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request

# A proxy that the container's environment names is for what it fetches.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(request: str) -> int:
    """0: warm; 1: not yet, with the reason in one line."""
    asked = json.loads(request)
    body = {"model": asked["model"], "prompt": "Hello", "max_tokens": 1, "temperature": 0}
    data, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
    try:
        with DIRECTLY.open(urllib.request.Request(asked["url"], data, kind), timeout=asked["seconds"]) as got:
            generated = json.load(got)["usage"]["completion_tokens"]
        print(f"warm: {generated} token")
    except urllib.error.HTTPError as refusal:
        print(f"{refusal.code}: {'it generates nothing' if refusal.code < 500 else 'not yet'}")
        return int(refusal.code >= 500)
    except (OSError, ValueError, KeyError, TypeError) as reason:
        print(f"not yet: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
