"""How a change of a model's servers goes on, under observation. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CanaryStepPlan:
    """So many new pods, observed for so long."""

    weight: int
    """Share of the pods that are new, %."""
    seconds: int
    """To its last measurement, which ends it: what is asked, less than an interval below it, or more where that is too
    short to measure twice."""
    measurements: int
    """How often each metric is asked for."""
    silent: int
    """So many measurements without requests, and the rollout waits for a person."""


@dataclass(frozen=True)
class CanaryMetricPlan:
    """What is measured at the new pods, and what it may be."""

    name: str
    query: str
    """PromQL of one number; `{{args.hash}}` stands for the hash in the new pods' names."""
    at_most: float
    what: str
    """In words, with its unit."""


@dataclass(frozen=True)
class CanaryPlan:
    """A Rollout of Argo Rollouts in the place of the Deployment."""

    steps: tuple[CanaryStepPlan, ...]
    metrics: tuple[CanaryMetricPlan, ...]
    interval_seconds: int
    """Between two measurements."""
    delay_seconds: int
    """Before the first one: until then the range of a rate is not full."""
    tolerated: int
    """Measurements above a limit in one step that do not end the rollout yet."""

    @property
    def watched_seconds(self) -> int:
        """Of all steps."""
        return sum(step.seconds for step in self.steps)
