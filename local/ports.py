"""Ports on 127.0.0.1: a usual one for each process, another when it is taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

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
    "prometheus": 19090,
    "alertmanager": 19093,
    "prometheus-operator": 19091,
    "prometheus-adapter": 16644,
    "keda-operator": 19666,
    "keda-operator-metrics": 19081,
    "keda-operator-health": 19082,
    "keda-adapter": 16645,
    "keda-adapter-metrics": 19083,
}


def is_free(port: int) -> bool:
    """True if nothing listens on 127.0.0.1:port and it can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(file: Path, holds_its_port: Callable[[str], bool]) -> dict[str, int]:
    """Ports by name, kept in `file` so that a second `up` finds the same ones.

    `holds_its_port(name)` says that our own living process uses the recorded port, so "in use" is not a reason
    to move away from it.
    """
    recorded: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    for name, usual in USUAL.items():
        if name in recorded and (holds_its_port(name) or is_free(recorded[name])):
            ports[name] = recorded[name]
            continue
        taken = {*ports.values(), *recorded.values()}
        ports[name] = next(p for p in range(usual, 65536) if p not in taken and is_free(p))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports, indent=2))
    return ports


def keep_free(file: Path, names: Iterable[str]) -> dict[str, int]:
    """All ports, after moving those of `names` that somebody else took since they were chosen.

    For a program that starts long after `choose`: another platform on this machine may have come first.
    """
    ports: dict[str, int] = json.loads(file.read_text())
    moved = {
        name: next(port for port in range(ports[name], 65536) if port not in ports.values() and is_free(port))
        for name in names
        if not is_free(ports[name])
    }
    if moved:
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps(ports | moved, indent=2))
        unfinished.replace(file)
    return ports | moved


class PortsFile(Mapping[str, int]):
    """The recorded ports as they are now: a program that starts later may have moved."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _read(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._file.read_text())
        return found

    def __getitem__(self, name: str) -> int:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
