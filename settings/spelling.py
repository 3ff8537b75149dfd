"""The name most likely meant by a misspelt one. The only place that compares names by their letters."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6, most: int = 1) -> tuple[str, ...]:
    """The known names that are nearest, best first; case and underscores do not count. Empty where none is near."""
    folded = {name.lower().replace("_", ""): name for name in sorted(known)}
    near = difflib.get_close_matches(word.lower().replace("_", ""), folded, n=most, cutoff=cutoff)
    return tuple(folded[name_near] for name_near in near)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6, most: int = 2) -> str:
    """`did you mean a or b?` from the nearest known names; empty where none is near."""
    near = nearest(word, known, cutoff, most)
    return f"did you mean {' or '.join(near)}?" if near else ""
