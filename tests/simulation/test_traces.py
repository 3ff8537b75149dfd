from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simulation.engine_limits import PICOSECONDS
from simulation.oracle import survey
from simulation.profiles import Lengths, generate, profile
from simulation.traces import CHUNK, Requests, WrongTrace, read_trace
from tests.reference_data import trace

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def read(tmp_path: Path, text: str) -> list[Requests]:
    file = tmp_path / "trace.csv"
    file.write_text(text, encoding="utf-8")
    return list(read_trace(file))


def test_azures_format_with_seven_digits_and_no_last_newline(tmp_path: Path) -> None:
    (requests,) = read(tmp_path, HEADER + "2023-11-16 23:59:59.9799600,4808,10\n2023-11-17 00:00:00.0000000,110,27")
    assert requests.arrivals_ps.tolist() == [0, round(0.02004 * PICOSECONDS)]
    assert requests.inputs.tolist() == [4808, 110]
    assert requests.outputs.tolist() == [10, 27]


def test_a_day_ends_at_the_end_of_february_in_a_leap_year_too(tmp_path: Path) -> None:
    (requests,) = read(tmp_path, HEADER + "2024-02-28 00:00:00,1,1\n2024-03-01 00:00:00,1,1\n")
    assert requests.arrivals_ps[1] == 2 * 86_400 * PICOSECONDS


def test_mooncakes_lines_may_carry_anything_else(tmp_path: Path) -> None:
    lines = '{"timestamp": 1000, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}\n'
    (requests,) = read(tmp_path, lines + '{"timestamp": 3000, "input_length": 1, "output_length": 2}\n')
    assert requests.arrivals_ps.tolist() == [0, 2 * PICOSECONDS]
    assert requests.inputs.tolist() == [6955, 1]


WRONG = [
    ("", "empty"),
    (HEADER, "no requests"),
    ("TIME,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\n", ":1: no column TIMESTAMP"),
    (HEADER + "2023-11-16 18:17:03,NaN,1\n", ":2: '2023-11-16 18:17:03,NaN,1'"),
    (HEADER + "2023-11-16 18:17:03,1\n", ":2: "),
    (HEADER + "2023-11-16 18:17:03,1,1\n2023-11-16 18:17:02,1,1\n", ":3: 1 s earlier than the line before"),
    (
        HEADER + "2023-11-16 18:17:01,1,1\n2023-11-16 18:17:05,1,1\n2023-11-16 18:17:03,1,1\n",
        ":4: 2 s earlier than the line before",
    ),
    (HEADER + "2023-11-16 18:17:03,-5,1\n", ":2: -5 input"),
    (HEADER + "yesterday at noon...,5,1\n", ":2: 'yesterday"),
    ('{"timestamp": NaN, "input_length": 5, "output_length": 1}\n', ":1: "),
    ('{"timestamp": 0, "input_length": 5}\n', ":1: "),
    ('{"timestamp": 0, "input_length": 1e999, "output_length": 1}\n', ":1: "),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_trace_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(WrongTrace) as problem:
        read(tmp_path, text)
    assert message in str(problem.value)
    assert "trace.csv" in str(problem.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode("utf-16"), "trace.csv:1: byte 0xff at 1 is not UTF-8"),
        (HEADER.encode() + b"2023-11-16 18:17:03,10\xe9,5\n", "trace.csv:2: byte 0xe9 at 23 is not UTF-8"),
        (b"\x1f\x8b\x08\x00trace", "trace.csv:1: byte 0x8b at 2 is not UTF-8"),
        (HEADER.encode() + b'"2023-11-16 18:17:03","10","5"\n', "trace.csv:2"),
        (b'"TIMESTAMP","ContextTokens","GeneratedTokens"\n2023-11-16 18:17:03,10,5\n', "trace.csv:1"),
        (b'{"timestamp": ' + b"[" * 100_000 + b"\n", "trace.csv:1"),
    ],
)
def test_bytes_that_are_no_trace_are_refused_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "trace.csv"
    file.write_bytes(content)
    with pytest.raises(WrongTrace) as problem:
        list(read_trace(file))
    assert message in str(problem.value)
    if b'"2023' in content or b'"TIME' in content:
        assert "quoted; write cells without quotes" in str(problem.value)


def test_a_long_trace_comes_in_chunks_in_order(tmp_path: Path) -> None:
    count = CHUNK + 5
    text = HEADER + "".join(
        f"2023-11-16 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},1,{n % 7 + 1}\n" for n in range(count)
    )
    requests = read(tmp_path, text)
    assert [chunk.inputs.size for chunk in requests] == [CHUNK, 5]
    assert requests[1].arrivals_ps[0] == CHUNK * PICOSECONDS


def test_a_trace_is_read_while_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    good = HEADER + "2023-11-16 18:17:03,1,1\n" * CHUNK
    file.write_text(good + "broken\n", encoding="utf-8")
    stream: Iterator[Requests] = read_trace(file)
    assert next(stream).inputs.size == CHUNK
    with pytest.raises(WrongTrace, match=f":{CHUNK + 2}:"):
        next(stream)


def test_the_same_seed_gives_the_same_requests_and_another_seed_others() -> None:
    def drawn(seed: int) -> list[int]:
        chunks = list(generate(profile("poisson:2", 1800), Lengths(), seed))
        times: list[int] = np.concatenate([chunk.arrivals_ps for chunk in chunks]).tolist()
        return times

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_profiles_have_the_rate_and_lengths_asked_for() -> None:
    surveyed = survey(generate(profile("diurnal:0.8,7"), Lengths(900, 120), 3))
    five_days = 5 + 2 * 0.6
    assert surveyed.requests == pytest.approx(0.8 * 86_400 * five_days, rel=0.01)
    assert surveyed.mean_input_tokens == pytest.approx(900, rel=0.02)
    assert surveyed.mean_output_tokens == pytest.approx(120, rel=0.02)
    burst = survey(generate(profile("burst:1,9,600,60", 6000), Lengths(), 3))
    assert burst.requests == pytest.approx(10 * (540 + 9 * 60), rel=0.05)


@pytest.mark.parametrize(
    "text", ["poisson", "poisson:0", "poisson:nan", "burst:1", "diurnal:1,2,3", "square:1", "poisson:-1"]
)
def test_a_wrong_profile_lists_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="poisson:RATE"):
        profile(text)


def test_the_published_traces_have_their_published_shape(tmp_path: Path) -> None:
    code = survey(read_trace(trace("AzureLLMInferenceTrace_code.csv", tmp_path)))
    conversation = survey(read_trace(trace("AzureLLMInferenceTrace_conv.csv", tmp_path)))
    assert (code.requests, conversation.requests) == (8819, 19366)
    assert (round(code.mean_input_tokens), round(conversation.mean_output_tokens)) == (2048, 211)
    assert code.seconds == pytest.approx(3436, abs=1)
