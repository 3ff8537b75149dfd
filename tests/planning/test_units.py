"""Numbers with their word."""

from __future__ import annotations

import pytest

from planning.units import amount, numbered


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 nodes"), (1, "1 node"), (2, "2 nodes"), (1_000, "1,000 nodes"), (1.0, "1.0 nodes"), (0.5, "0.5 nodes")],
)
def test_one_is_one_and_all_else_is_many(number: float, text: str) -> None:
    assert amount(number, "node") == text


def test_what_is_shown_decides_not_what_was_rounded_away() -> None:
    assert amount(1.04, "request", spec=".1g") == "1 request"
    assert numbered("1–2", "replica") == "1–2 replicas"
    assert numbered("1", "finding is", "findings are") == "1 finding is"
    assert numbered("3", "finding is", "findings are") == "3 findings are"
