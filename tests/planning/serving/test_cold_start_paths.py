"""The two paths of docs/figures.md, and that the page says what they say now."""

from __future__ import annotations

from bench.cold_start import FAST, GUIDES, terms
from tests.conftest import REPO


def test_the_figures_are_those_of_the_plan() -> None:
    page = (REPO / "docs/figures.md").read_text(encoding="utf-8")
    guides, fast = ({term.name: term for term in terms(path)} for path in (GUIDES, FAST))
    assert "download weights" in guides
    assert "stream weights" in fast
    sums = [
        f"{sum(t.low_seconds for t in stages.values()):.0f}–{sum(t.high_seconds for t in stages.values()):.0f}"
        for stages in (guides, fast)
    ]
    assert f"| sum | {' | '.join(sums)} |" in page, "run: python -m bench.cold_start"
