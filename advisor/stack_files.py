"""A committed stack file as settings and as a plan, for the commands that list what a stack pulls."""

from __future__ import annotations

from planning.model import PlanRefused, StackPlan
from settings.stack import StackSettings


def settings_of(stack: str) -> StackSettings:
    """The settings of Pulumi.<stack>.yaml; LookupError where there is none, ValueError with all that is wrong in it."""
    from advisor.simulate_inputs import REPO, sections_of
    from settings.read import read

    loaded = read(sections_of(REPO / f"Pulumi.{stack}.yaml"), stack)
    if loaded.settings is None or loaded.problems:
        raise ValueError("; ".join(str(problem) for problem in loaded.problems))
    return loaded.settings


def planned_without_mirror(settings: StackSettings, stack: str) -> StackPlan:
    """The plan without mirror and chart source: names as their own registries know them; ValueError on a refusal."""
    from planning.plan import plan

    plain = settings.registry.model_copy(update={"mirror": None, "charts": None, "pull_through": None})
    try:
        return plan(settings.model_copy(update={"registry": plain}), stack)
    except PlanRefused as refusal:
        raise ValueError(str(refusal)) from None
