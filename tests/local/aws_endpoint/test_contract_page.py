"""docs/aws-contract.md is the table, and says what it leaves out."""

from __future__ import annotations

from local.aws_endpoint.contract.document import PAGE, page
from local.aws_endpoint.contract.table import TABLE


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make document"


def test_the_page_names_every_row_and_what_is_not_played() -> None:
    text = page()
    assert all(f"| `{rule.id}` |" in text for rule in TABLE)
    assert "does not hold you to" in text
