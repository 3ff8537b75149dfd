"""Ports on 127.0.0.1: a usual one for each process, another when it is taken or promised to another platform.

Ports are chosen when a platform is made and its programs listen later. In between nothing of the machine tells
that they are spoken for: a file in the user's cache does.
"""

from __future__ import annotations

import fcntl
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USUAL: Mapping[str, int] = {
    "etcd": 12379,
    "etcd-peer": 12380,
    "kube-apiserver": 16443,
    "kube-controller-manager": 11257,
    "kube-scheduler": 11259,
    "kwok": 11247,
    "aws": 15566,
    "pod-network": 19400,
    "pod-network-connect": 19401,
    "pod-network-names": 19402,
    "prometheus": 19090,
    "alertmanager": 19093,
    "prometheus-operator": 19091,
    "prometheus-adapter": 16644,
    "keda-operator": 19666,
    "keda-operator-metrics": 19081,
    "keda-operator-health": 19082,
    "keda-adapter": 16645,
    "keda-adapter-metrics": 19083,
    "external-secrets-metrics": 19086,
    "karpenter-metrics": 19084,
    "karpenter-health": 19085,
    "kserve-webhook": 19087,
    "kserve-metrics": 19088,
    "kserve-health": 19089,
    "rollouts-metrics": 19092,
    "rollouts-health": 19094,
    "collector-otlp": 19417,
    "collector-health": 19418,
    "kuberay-metrics": 19095,
    "kuberay-health": 19096,
    "lws-webhook": 19097,
    "lws-metrics": 19098,
    "lws-health": 19099,
    "picker-grpc": 19506,
    "picker-health": 19507,
    "picker-metrics": 19508,
    "envoy-gateway-xds": 19500,
    "envoy-gateway-health": 19501,
    "envoy-gateway-admin": 19502,
    "envoy-admin": 19503,
    "envoy-stats": 19504,
    "envoy-ready": 19505,
    "envoy-https": 19443,
}

# Longer than a slow start; afterwards the programs listen, and that tells.
RESERVED_SECONDS = 600.0


def is_free(port: int) -> bool:
    """True if nothing listens on 127.0.0.1:port and it can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Claim:
    """What one platform may choose while it holds the lock."""

    others: frozenset[int]
    """Ports that other platforms are about to listen on."""
    mine: set[int] = field(default_factory=set)
    """To be filled: ports that are reserved from now on."""


class Reservations:
    """Ports that platforms of this user chose a short while ago: {ports.json: {port: end, seconds since 1970}}.

    A reservation also ends when the platform's ports.json is gone or does not name the port any more.
    """

    def __init__(self, cache: Path, clock: Callable[[], float] = time.time) -> None:
        self.file = cache / "ports-reserved.json"
        self._lock = cache / "locks" / "ports.lock"
        self._clock = clock

    @contextmanager
    def claim(self, file: Path) -> Iterator[Claim]:
        """For the platform whose ports are in `file`. Others wait until it has chosen and written them there."""
        own = str(file.absolute())
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            now = self._clock()
            valid = self._valid(now)
            claim = Claim(frozenset(int(port) for key, ends in valid.items() if key != own for port in ends))
            yield claim
            valid[own] = {**valid.get(own, {}), **{str(port): now + RESERVED_SECONDS for port in claim.mine}}
            _write(self.file, valid)

    def _valid(self, now: float) -> dict[str, dict[str, float]]:
        """Reservations that hold now. One that ends too far ahead was written before the clock was set back."""
        ports = {}
        for file, ends in _read(self.file).items():
            named = {str(port) for port in _read(Path(file)).values()}
            kept = {
                port: end
                for port, end in (ends.items() if isinstance(ends, dict) else ())
                if port in named and isinstance(end, int | float) and now < end <= now + 2 * RESERVED_SECONDS
            }
            if kept:
                ports[file] = kept
        return ports


def _read(file: Path) -> dict[str, Any]:
    """A file's mapping; empty where it is absent or damaged: its owner writes it again."""
    try:
        ports = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return ports if isinstance(ports, dict) else {}


def _write(file: Path, value: Mapping[str, Any]) -> None:
    """Readers see the file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(value, indent=2))
    unfinished.replace(file)


def choose(file: Path, holds_its_port: Callable[[str], bool], reservations: Reservations) -> dict[str, int]:
    """Ports by name, kept in `file` so that a second `up` finds the same ones, and reserved.

    `holds_its_port(name)` says that our own living process uses the recorded port, so "in use" is not a reason
    to move away from it.
    """
    with reservations.claim(file) as claim:
        recorded: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        ports: dict[str, int] = {}
        for name, usual in USUAL.items():
            if name in recorded and (holds_its_port(name) or _may_be_used(recorded[name], claim)):
                ports[name] = recorded[name]
                continue
            taken = {*ports.values(), *recorded.values()}
            ports[name] = _next(usual, taken, claim)
        _write(file, ports)
        claim.mine.update(ports.values())
    return ports


def keep_free(file: Path, names: Iterable[str], reservations: Reservations) -> dict[str, int]:
    """All ports, after moving those of `names` that were taken or reserved since they were chosen.

    For a program that starts long after `choose`: another platform on this machine may have come first. The ports
    of `names` are reserved again.
    """
    with reservations.claim(file) as claim:
        ports: dict[str, int] = json.loads(file.read_text())
        before = dict(ports)
        for name in names:
            if not _may_be_used(ports[name], claim):
                ports[name] = _next(ports[name], {*ports.values()}, claim)
            claim.mine.add(ports[name])
        if ports != before:
            _write(file, ports)
    return ports


def _may_be_used(port: int, claim: Claim) -> bool:
    return port not in claim.others and is_free(port)


def _next(first: int, taken: set[int], claim: Claim) -> int:
    """The first port from `first` on that is neither taken nor reserved nor in use."""
    return next(port for port in range(first, 65536) if port not in taken and _may_be_used(port, claim))


class PortsFile(Mapping[str, int]):
    """The recorded ports as they are now: a program that starts later may have moved."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _read(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads(self._file.read_text())
        return ports

    def __getitem__(self, name: str) -> int:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
