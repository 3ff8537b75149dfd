"""Which server gets a request: least load, or consistent hashing with bounded loads (internal/loadbalancer)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

REPLICATION, MEAN_LOAD_PERCENT = 256, 125


def prefix_of(body: Mapping[str, Any], characters: int) -> str:
    """The beginning of the first user message, or of the prompt (api/openai/v1, Prefix)."""
    for message in body.get("messages") or ():
        if message.get("role") == "user":
            content = message.get("content") or ""
            text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
            return str(text)[:characters]
    prompt = body.get("prompt") or ""
    return str(prompt[0] if isinstance(prompt, list) and prompt else prompt)[:characters]


def choose(addresses: Iterable[str], in_flight: Counter[str], strategy: str, prefix: str) -> str | None:
    """An address of a Ready server; None where there is none."""
    servers = sorted(addresses)
    if not servers:
        return None
    if strategy != "PrefixHash":
        return min(servers, key=lambda server: in_flight[server])
    ring = sorted((_hash(f"{server}{number}"), server) for server in servers for number in range(REPLICATION))
    most = (sum(in_flight[server] for server in servers) + 1) / len(servers) * MEAN_LOAD_PERCENT / 100
    start = bisect_left(ring, (_hash(prefix), ""))
    for step in range(len(ring)):
        server = ring[(start + step) % len(ring)][1]
        if in_flight[server] + 1 <= max(1.0, most):
            return server
    return min(servers, key=lambda server: in_flight[server])


def _hash(text: str) -> int:
    """KubeAI's is xxhash; which server a prefix falls on does not matter."""
    return int.from_bytes(sha256(text.encode()).digest()[:8])
