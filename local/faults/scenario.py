"""A named scenario, what it may find, and how one asserts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.faults.ground import Ground


class DoesNotHold(Exception):
    """What must hold does not; the text says what was found instead."""


class Skipped(Exception):
    """The scenario cannot be provoked here; the text says why. It counts as neither passed nor failed."""


@dataclass(frozen=True)
class Scenario:
    """`run` provokes the fault, raises DoesNotHold or Skipped, and returns what was seen in a few words."""

    name: str
    holds: str
    """One line: what must hold."""
    run: Callable[[Ground, Random], str]
    requirement: str
    """D1 to D5 of issue 6."""

    def random(self, seed: int) -> Random:
        """Its own choices, the same whichever scenarios run beside it."""
        return Random(f"{seed}/{self.name}")


def must(condition: bool, found: str) -> None:
    """Raises DoesNotHold with what was found."""
    if not condition:
        raise DoesNotHold(found)


def must_say(text: str, *wanted: str) -> None:
    """All of `wanted` must be in the text; case does not count."""
    lacking = [each for each in wanted if each.lower() not in text.lower()]
    if lacking:
        raise DoesNotHold(f"nothing says {lacking}; said was:\n{text[-3000:]}")


def chosen(scenarios: Sequence[Scenario], seed: int, only: Sequence[str], count: int | None) -> list[Scenario]:
    """The scenarios to run, in the table's order: those whose names begin with one of `only`, a sample of `count`.

    Raises ValueError for a name that begins no scenario's.
    """
    unknown = [name for name in only if not any(scenario.name.startswith(name) for scenario in scenarios)]
    if unknown:
        raise ValueError(f"no scenario is called {', '.join(unknown)}")
    found = [s for s in scenarios if not only or any(s.name.startswith(name) for name in only)]
    if count is not None and count < len(found):
        kept = {scenario.name for scenario in _sample(found, seed, count)}
        found = [scenario for scenario in found if scenario.name in kept]
    return found


def _sample(scenarios: Sequence[Scenario], seed: int, count: int) -> list[Scenario]:
    """Every requirement once before any twice: 50 kills would crowd the others out of a sample of ten."""
    random = Random(f"{seed}/sample")
    waiting: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        waiting.setdefault(scenario.requirement, []).append(scenario)
    for group in waiting.values():
        random.shuffle(group)
    taken: list[Scenario] = []
    while len(taken) < count:
        for group in waiting.values():
            if group and len(taken) < count:
                taken.append(group.pop())
    return taken
