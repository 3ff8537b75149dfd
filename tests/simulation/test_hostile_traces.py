"""Traces made to hurt their reader end in one line that names the place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulation.traces import WrongTrace, read_trace

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x" * (2**20 + 1), ":1: longer than 1048576 characters"),
        (b'{"timestamp": ' + b"[" * 100_000, ":1: "),
        (b'{"timestamp": 1e999, "input_length": 1, "output_length": 1}', ":1: "),
        (b'{"timestamp": NaN, "input_length": 1, "output_length": 1}', ":1: "),
        (b'{"timestamp": 1, "input_length": ' + b"9" * 6000 + b', "output_length": 1}', ":1: "),
        (b'{"timestamp": 1, "input_length": Infinity, "output_length": 1}', ":1: "),
        (AZURE.encode() + b"2023-11-16 18:17:03.9," + b"9" * 6000 + b",1\n", ":2: "),
        (AZURE.encode() + b"2023-11-16 18:17:0" + b"9" * 400 + b",1,1\n", ":2: "),
        (AZURE.encode() + b"\xff\xfe", ":2: byte 0xff at 1 is not UTF-8"),
        (b"\0" * 1000, ":1: no column"),
    ],
)
def test_a_trace_made_to_hurt_is_refused_by_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "trace").write_bytes(content)
    with pytest.raises(WrongTrace) as refused:
        list(read_trace(tmp_path / "trace"))
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300 + len(str(tmp_path))


def test_a_trace_that_never_ends_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trace")
    with pytest.raises(WrongTrace, match="no file"):
        list(read_trace(tmp_path / "trace"))
