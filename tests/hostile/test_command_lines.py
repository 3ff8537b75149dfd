"""Every hostile command line of the corpus ends in words, with the exit code beside it, and repeats no escape."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.__main__ import main as local
from planning.__main__ import main as planning
from preview.__main__ import main as preview
from preview.render import main as render
from tests.hostile.corpus import rows

MAINS: dict[str, Callable[[list[str]], Any]] = {
    "planning": planning,
    "preview": preview,
    "preview.render": render,
    "local": local,
}
FEWEST = 100


def lines() -> Iterator[tuple[str, list[str], int]]:
    """Program, words and exit code."""
    for row in rows("command_lines.yaml"):
        program, *words = shlex.split(row["run"])
        for more in row["tries"]:
            yield program, [*words, *shlex.split(str(more))], row["code"]


LINES = list(lines())


@pytest.mark.parametrize(("program", "words", "code"), LINES, ids=lambda part: repr(part)[:90])
def test_it_ends_in_words(program: str, words: list[str], code: int, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        ended = MAINS[program](words)
    except SystemExit as exit_:
        ended = exit_.code
    said = capfd.readouterr()
    assert ended == code, said.err
    assert said.err.strip(), "nothing was said"
    assert "Traceback" not in said.err
    assert "internal error" not in said.err, "the last line of defence is for faults of ours, not for input"
    assert all(character.isprintable() or character == "\n" for character in said.err + said.out)


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len(LINES) >= FEWEST
