"""What an update of the platform's Pulumi engine did, in order, by the events that it wrote down (`--event-log`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stacks.updates import CHANGES
from tests.e2e.conftest import Platform

REPLACEMENT = ("create-replacement", "delete-replaced", "replace")


@dataclass(frozen=True)
class EngineStep:
    """One resource's step; `begun` and `ended` count events from the start of the update."""

    urn: str
    operation: str
    begun: int
    ended: int

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """The resource's own, without its parents'."""
        return self.urn.split("::")[2].rsplit("$", 1)[-1]


def engine_steps(platform: Platform, stack: str, command: str = "up") -> list[EngineStep]:
    """Steps of the last `up` or `destroy` that changed something, as they began; a replacement is several."""
    return steps_of(platform.paths.log / f"pulumi-{command}-{stack}.events.json")


def steps_of(event_log: Path) -> list[EngineStep]:
    """The same of a file: the preview before an update, which is `planning`, is left out."""
    begun: dict[tuple[str, str], int] = {}
    steps = []
    for line in event_log.read_text().splitlines():
        event: dict[str, Any] = json.loads(line)
        told = event.get("resourcePreEvent") or event.get("resOutputsEvent")
        if not told or told.get("planning"):
            continue
        metadata = told["metadata"]
        key = (metadata["urn"], metadata["op"])
        if "resourcePreEvent" in event:
            begun.setdefault(key, event["sequence"])
        elif metadata["op"] in CHANGES:
            steps.append(EngineStep(*key, begun.get(key, event["sequence"]), event["sequence"]))
    return sorted(steps, key=lambda step: step.begun)


def operations(steps: list[EngineStep]) -> dict[str, str]:
    """Name of each resource that changed -> what became of it; the steps of a replacement are one."""
    return {step.name: "replace" if step.operation in REPLACEMENT else step.operation for step in steps}
