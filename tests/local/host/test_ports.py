"""Ports: the usual ones, others where those are taken, the same ones the next time."""

from __future__ import annotations

import json
import multiprocessing
import socket
from pathlib import Path

import pytest

from local.host import ports
from local.host.ports import RESERVED_SECONDS, Reservations


class Clock:
    """Seconds that pass when the test says so."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reserved(tmp_path: Path, clock: Clock) -> Reservations:
    """The machine's reservations, in a folder of the test."""
    return Reservations(tmp_path / "cache", clock)


def nobody_lives(name: str) -> bool:
    return False


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that somebody listens on, as the usual one of `aws`; the others are free ones nearby."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port: int = holder.getsockname()[1]
        monkeypatch.setattr(ports, "USUAL", {"etcd": port + 1, "aws": port})
        yield port  # type: ignore[misc]


def test_a_port_in_use_is_avoided(taken: int, tmp_path: Path, reserved: Reservations) -> None:
    chosen = ports.choose(tmp_path / "ports.json", nobody_lives, reserved)
    assert chosen["aws"] != taken
    assert len(set(chosen.values())) == 2
    assert all(ports.is_free(port) for port in chosen.values())


def test_the_next_up_finds_the_same_ports(taken: int, tmp_path: Path, reserved: Reservations) -> None:
    first = ports.choose(tmp_path / "ports.json", nobody_lives, reserved)
    assert ports.choose(tmp_path / "ports.json", nobody_lives, reserved) == first


def test_our_own_process_on_its_port_is_no_reason_to_move(taken: int, tmp_path: Path, reserved: Reservations) -> None:
    (tmp_path / "ports.json").write_text(f'{{"aws": {taken}}}')
    assert ports.choose(tmp_path / "ports.json", lambda name: name == "aws", reserved)["aws"] == taken
    assert ports.choose(tmp_path / "ports.json", nobody_lives, reserved)["aws"] != taken


def test_a_port_that_somebody_took_before_the_program_started_is_moved_and_the_others_stay(
    taken: int, tmp_path: Path, reserved: Reservations
) -> None:
    """Programs of the monitoring charts start long after the ports were chosen."""
    file = tmp_path / "ports.json"
    file.write_text(f'{{"aws": {taken}, "etcd": {taken + 1}}}')
    now = ports.keep_free(file, ["aws"], reserved)
    assert now["aws"] not in (taken, taken + 1)
    assert now["etcd"] == taken + 1
    assert dict(ports.PortsFile(file)) == now
    assert ports.keep_free(file, ["aws"], reserved) == now


def test_two_platforms_made_at_once_choose_different_ports(
    taken: int, tmp_path: Path, reserved: Reservations, clock: Clock
) -> None:
    """Nothing listens yet when the second one chooses."""
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    clock.now += RESERVED_SECONDS - 1
    second = ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved)
    assert not {*first.values()} & {*second.values()}
    assert ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved) == first, "its own do not block it"
    assert ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved) == second


def test_a_reservation_ends_with_its_time(taken: int, tmp_path: Path, reserved: Reservations, clock: Clock) -> None:
    """After that the programs listen, and that tells."""
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    clock.now += RESERVED_SECONDS
    assert ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved) == first


def test_a_clock_that_was_set_back_does_not_make_a_reservation_last(
    taken: int, tmp_path: Path, reserved: Reservations, clock: Clock
) -> None:
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    clock.now -= 3600
    assert ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved) == first


def test_a_clock_that_is_corrected_a_little_ends_no_reservation(
    taken: int, tmp_path: Path, reserved: Reservations, clock: Clock
) -> None:
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    clock.now -= 5
    assert not {*first.values()} & {*ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved).values()}


def test_a_platform_that_is_gone_reserves_nothing(taken: int, tmp_path: Path, reserved: Reservations) -> None:
    file = tmp_path / "a" / "ports.json"
    first = ports.choose(file, nobody_lives, reserved)
    file.unlink()
    assert ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved) == first


def test_ports_that_a_platform_moved_away_from_are_free_again(
    taken: int, tmp_path: Path, reserved: Reservations
) -> None:
    file = tmp_path / "a" / "ports.json"
    first = ports.choose(file, nobody_lives, reserved)
    file.write_text(json.dumps({"etcd": 1, "aws": first["aws"]}))
    second = ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved)
    assert second["etcd"] == first["etcd"]
    assert second["aws"] != first["aws"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', '{"x": {"a": 1}}'])
def test_a_damaged_file_of_reservations_is_made_anew(
    taken: int, tmp_path: Path, reserved: Reservations, text: str
) -> None:
    reserved.file.parent.mkdir(parents=True)
    reserved.file.write_text(text)
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    second = ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved)
    assert not {*first.values()} & {*second.values()}


def test_what_ended_is_not_kept(taken: int, tmp_path: Path, reserved: Reservations, clock: Clock) -> None:
    for name in ("a", "b"):
        ports.choose(tmp_path / name / "ports.json", nobody_lives, reserved)
        clock.now += RESERVED_SECONDS
    assert list(json.loads(reserved.file.read_text())) == [str(tmp_path / "b" / "ports.json")]


def test_a_program_that_starts_later_respects_what_another_platform_reserved(
    taken: int, tmp_path: Path, reserved: Reservations, clock: Clock
) -> None:
    """Its own reservation ended long ago, and the other platform's program does not listen yet."""
    mine, theirs = tmp_path / "a" / "ports.json", tmp_path / "b" / "ports.json"
    first = ports.choose(mine, nobody_lives, reserved)
    clock.now += RESERVED_SECONDS
    assert ports.choose(theirs, nobody_lives, reserved) == first
    now = ports.keep_free(mine, ["aws"], reserved)
    assert now["aws"] not in first.values()
    assert now["etcd"] == first["etcd"], "it is not asked about, its program may listen"


def test_what_a_program_that_starts_later_is_given_is_reserved_for_it(
    taken: int, tmp_path: Path, reserved: Reservations, clock: Clock
) -> None:
    first = ports.choose(tmp_path / "a" / "ports.json", nobody_lives, reserved)
    clock.now += RESERVED_SECONDS
    assert ports.keep_free(tmp_path / "a" / "ports.json", ["aws"], reserved) == first
    second = ports.choose(tmp_path / "b" / "ports.json", nobody_lives, reserved)
    assert second["aws"] != first["aws"]
    assert second["etcd"] == first["etcd"], "only what is about to start is reserved"


def _choose(folder: Path, number: int) -> None:
    ports.choose(folder / str(number) / "ports.json", nobody_lives, Reservations(folder / "cache"))


def test_platforms_that_choose_in_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    """Real processes, the real clock: without the lock they read the same reservations."""
    made = [multiprocessing.get_context("fork").Process(target=_choose, args=(tmp_path, i)) for i in range(6)]
    for process in made:
        process.start()
    for process in made:
        process.join()
    chosen = [port for i in range(6) for port in json.loads((tmp_path / str(i) / "ports.json").read_text()).values()]
    assert len(chosen) == len(set(chosen)) == 6 * len(ports.USUAL)
