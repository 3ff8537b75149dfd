"""Names and values of a server's environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from settings.read import read

MODEL = {"name": "q", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": "a" * 40}


def problems(env: Any) -> list[str]:
    problems_read = read({"models": [{**MODEL, "env": env}]}, "dev").problems
    return [str(each) for each in problems_read]


@pytest.mark.parametrize(
    "value", [1, True, None, ["a"], {"kind": "secret"}, "a\x00b", "a\nb", "x" * 5000, "$(HOME)"], ids=repr
)
def test_a_value_is_a_plain_text(value: Any) -> None:
    problems_read = problems({"GREETING": value})
    assert problems_read
    assert all(each.startswith("models[0].env.GREETING") for each in problems_read)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A.B", "A=B", "Ä", "A" * 200], ids=repr)
def test_a_name_is_a_variables_name(name: str) -> None:
    assert problems({name: "x"})


def test_usual_ones_are_read() -> None:
    assert problems({"NCCL_P2P_DISABLE": "1", "_x": "", "PERCENT": "100 % of $5"}) == []
