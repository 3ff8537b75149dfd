"""Ports on 127.0.0.1: a usual one for each process, another when it is taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

USUAL: Mapping[str, int] = {
    "etcd": 12379,
    "etcd-peer": 12380,
    "kube-apiserver": 16443,
    "kube-controller-manager": 11257,
    "kube-scheduler": 11259,
    "kwok": 11247,
    "aws": 15566,
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
