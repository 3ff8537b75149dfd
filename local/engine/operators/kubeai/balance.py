"""Which server gets a request: least load, or consistent hashing with bounded loads (internal/loadbalancer).

Each proxy balances by what it has sent itself. A server is out of it when its pod is not Ready; one that leaves and is
Ready still gets requests (load_balancer.go asks for the condition alone).
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

PREFIX_HASH = "PrefixHash"


def prefix_of(body: Mapping[str, Any], characters: int) -> str:
    """The beginning of the first user message, or of the first prompt (api/openai/v1, Prefix; firstNChars)."""
    for message in body.get("messages") or ():
        if message.get("role") == "user":
            content = message.get("content") or ""
            text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
            return str(text)[:characters]
    prompt = body.get("prompt") or ""
    first = prompt[0] if isinstance(prompt, list) and prompt else prompt
    return first[:characters] if isinstance(first, str) else ""


@dataclass
class Endpoint:
    """A server as a proxy knows it."""

    address: str
    in_flight: int = 0


class EndpointGroup:
    """The servers of one Model (group.go)."""

    def __init__(self, replication: int) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.in_flight = 0
        self._replication = replication
        self._ring: list[tuple[int, str]] = []

    def reconcile(self, observed: Mapping[str, str]) -> None:
        """Addresses by pod name: new ones enter the ring, others leave it; requests that they have go on."""
        for name in observed.keys() - self.endpoints.keys():
            self.endpoints[name] = Endpoint(observed[name])
            for number in range(self._replication):
                insort(self._ring, (_hash(f"{name}{number}"), name))
        gone = self.endpoints.keys() - observed.keys()
        for name in gone:
            del self.endpoints[name]
        if gone:
            self._ring = [point for point in self._ring if point[1] not in gone]

    def choose(self, balancing: Mapping[str, Any], prefix: str) -> Endpoint | None:
        """The server for a request; None where there is none."""
        if not self.endpoints:
            return None
        if balancing["strategy"] == PREFIX_HASH:
            return self._by_prefix(prefix, balancing["prefixHash"]["meanLoadFactor"] / 100)
        least = min(each.in_flight for each in self.endpoints.values())
        # Go's order of a map is random.
        return random.choice([each for each in self.endpoints.values() if each.in_flight == least])

    def _by_prefix(self, prefix: str, factor: float) -> Endpoint:
        """From the prefix' place on: the first one whose load is below the bound, or the first at all."""
        start = bisect_left(self._ring, (_hash(prefix), "")) % len(self._ring)
        for _, name in (*self._ring[start:], *self._ring[:start]):
            if self._has_room(self.endpoints[name], factor):
                return self.endpoints[name]
        return self.endpoints[self._ring[start][1]]

    def _has_room(self, endpoint: Endpoint, factor: float) -> bool:
        """chwblLoadOK: its load without the new request, against the mean with it."""
        return not self.in_flight or endpoint.in_flight <= (self.in_flight + 1) / len(self.endpoints) * factor

    @contextmanager
    def taken(self, endpoint: Endpoint) -> Iterator[None]:
        """A request that is sent there, until it is answered."""
        endpoint.in_flight += 1
        self.in_flight += 1
        try:
            yield
        finally:
            endpoint.in_flight -= 1
            self.in_flight -= 1


def _hash(text: str) -> int:
    """KubeAI's is xxhash; which server a prefix falls on does not matter."""
    return int.from_bytes(sha256(text.encode()).digest()[:8])
