"""What must hold: how a scenario asserts, and what it raises when something else is found."""

from __future__ import annotations


class DoesNotHold(Exception):
    """What must hold does not; the text says what was found instead."""


class Skipped(Exception):
    """The scenario cannot be provoked here; the text says why. It counts as neither passed nor failed."""


def must(condition: bool, held: str) -> None:
    """Raises DoesNotHold with what was found."""
    if not condition:
        raise DoesNotHold(held)


def must_say(text: str, *phrases: str) -> None:
    """All `phrases` must be in the text; case does not count."""
    lacking = [phrase for phrase in phrases if phrase.lower() not in text.lower()]
    if lacking:
        raise DoesNotHold(f"nothing says {lacking}; said was:\n{text[-3000:]}")
