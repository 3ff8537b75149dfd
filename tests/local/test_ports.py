"""Ports: the usual ones, others where those are taken, the same ones the next time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from local import ports


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that somebody listens on, as the usual one of `aws`; the others are free ones nearby."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port: int = holder.getsockname()[1]
        monkeypatch.setattr(ports, "USUAL", {"etcd": port + 1, "aws": port})
        yield port  # type: ignore[misc]


def test_a_port_in_use_is_avoided(taken: int, tmp_path: Path) -> None:
    chosen = ports.choose(tmp_path / "ports.json", lambda name: False)
    assert chosen["aws"] != taken
    assert len(set(chosen.values())) == 2
    assert all(ports.is_free(port) for port in chosen.values())


def test_the_next_up_finds_the_same_ports(taken: int, tmp_path: Path) -> None:
    first = ports.choose(tmp_path / "ports.json", lambda name: False)
    assert ports.choose(tmp_path / "ports.json", lambda name: False) == first


def test_our_own_process_on_its_port_is_no_reason_to_move(taken: int, tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(f'{{"aws": {taken}}}')
    assert ports.choose(tmp_path / "ports.json", lambda name: name == "aws")["aws"] == taken
    assert ports.choose(tmp_path / "ports.json", lambda name: False)["aws"] != taken


def test_a_port_that_somebody_took_before_the_program_started_is_moved_and_the_others_stay(
    taken: int, tmp_path: Path
) -> None:
    """Programs of the monitoring charts start long after the ports were chosen."""
    file = tmp_path / "ports.json"
    file.write_text(f'{{"aws": {taken}, "etcd": {taken + 1}}}')
    now = ports.keep_free(file, ["aws"])
    assert now["aws"] not in (taken, taken + 1)
    assert now["etcd"] == taken + 1
    assert dict(ports.PortsFile(file)) == now
    assert ports.keep_free(file, ["aws"]) == now
