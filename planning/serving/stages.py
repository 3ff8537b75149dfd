"""Which stacks people depend on."""

from __future__ import annotations

import re

PRODUCTION_WORDS = frozenset({"prod", "prd", "production", "live"})


def is_production(stack: str) -> bool:
    """Whether a stack's name says that people depend on it: prod, eu-prod, live_2, production."""
    return not PRODUCTION_WORDS.isdisjoint(re.split(r"[^a-z]+", stack.lower()))
