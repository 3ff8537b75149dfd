"""A named scenario, and which ones are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from local.faults.ground import Ground


@dataclass(frozen=True)
class Scenario:
    """`run` provokes the fault, raises DoesNotHold or Skipped, and returns what was seen in a few words."""

    name: str
    holds: str
    """One line: what must hold."""
    run: Callable[[Ground, Random], str]
    requirement: str
    """Its group in docs/faults.md: D1 kills, D2 servers, D3 cluster and state, D4 drift, D5 secrets."""

    def random(self, seed: int) -> Random:
        """Its own choices, the same whichever scenarios run beside it."""
        return Random(f"{seed}/{self.name}")


def chosen(scenarios: Sequence[Scenario], seed: int, only: Sequence[str], count: int | None) -> list[Scenario]:
    """The scenarios to run, in the table's order: those whose names begin with one of `only`, a sample of `count`.

    Raises ValueError for a name that begins no scenario's.
    """
    unknown = [name for name in only if not any(scenario.name.startswith(name) for scenario in scenarios)]
    if unknown:
        raise ValueError(f"no scenario is called {', '.join(unknown)}")
    chosen = [s for s in scenarios if not only or any(s.name.startswith(name) for name in only)]
    if count is not None and count < len(chosen):
        kept = {scenario.name for scenario in _sample(chosen, seed, count)}
        chosen = [scenario for scenario in chosen if scenario.name in kept]
    return chosen


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
