"""D1: the engine, its language host and its providers are killed at a random point of up, update or destroy."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from local.faults.engine import EngineRun
from local.faults.ground import Ground
from local.faults.holds import DoesNotHold, must
from local.faults.scenario import Scenario

KILL_POINTS: Final = 50
# From state to state, so that each scenario leaves the next one's beginning: up, update, update back, destroy.
WAYS: Final = (("nothing", "one"), ("one", "two"), ("two", "one"), ("one", "nothing"))
KIND: Final = {("nothing", "one"): "up", ("one", "nothing"): "destroy"}
EARLIEST, LATEST = 0.02, 0.97
ATTEMPTS: Final = 4
"""A run can come to its end before the point, on a machine that is faster now: then an earlier point is tried."""


def kill_and_go_on(ground: Ground, random: Random, start: str, end: str) -> str:
    """Kills on the way from `start` to `end`, recovers, runs again, compares."""
    kind = KIND.get((start, end), "update")
    share = random.uniform(EARLIEST, LATEST)
    by_event = random.random() < 0.7
    for _ in range(ATTEMPTS):
        ground.to(start)
        measure = ground.measures[kind]
        if end != "nothing":
            ground.prepare(ground.file(end))
        ground.state = None
        run = ground.begin("destroy" if end == "nothing" else "up")
        if by_event:
            point = max(1, round(share * measure.events))
            reached = run.wait_until(lambda run=run, point=point: run.event_count() >= point)  # type: ignore[misc]
            where = f"event {point} of {measure.events}"
        else:
            reached = _sleep(run, share * measure.seconds)
            where = f"{share * measure.seconds:.1f} s of {measure.seconds:.1f} s"
        if reached and run.process.poll() is None:
            return _after_kill(ground, run, f"{kind} {start}→{end} killed at {where}", end)
        must(run.end() == 0, f"the {kind} failed before it was killed; {run.log}")
        ground.state = end
        share *= 0.7
    raise DoesNotHold(f"{ATTEMPTS} runs came to their end before they could be killed; the measure is wrong")


def _sleep(run: EngineRun, seconds: float) -> bool:
    return not run.wait_until(lambda: time.monotonic() - run.started >= seconds) or run.process.poll() is None


def _after_kill(ground: Ground, run: EngineRun, what: str, end: str) -> str:
    killed = run.kill()
    must("pulumi" in killed, f"the CLI was not among the killed: {killed}")
    pending = len(ground.stack.pending())
    ground.go_on_to(end)
    return f"{what}, {len(killed)} processes, {pending} operations pending"


def _scenario(number: int) -> Scenario:
    start, end = WAYS[number % len(WAYS)]
    kind = KIND.get((start, end), "update")
    return Scenario(
        name=f"kill-{number + 1:02d}-{kind}",
        holds=f"{kind} {start}→{end} killed with -9 at a random point: run again, everything is as without the kill",
        run=lambda ground, random: kill_and_go_on(ground, random, start, end),
        requirement="D1",
    )


KILLS = tuple(_scenario(number) for number in range(KILL_POINTS))
