"""What of a model keeps its load from being learned."""

from __future__ import annotations

from planning.memory.companions import DRAFT_FLAGS
from planning.versions.arguments import flag_value
from planning.versions.vllm_versions import Version
from settings.autoscaling import HpaScaling, KedaScaling
from settings.models import Model


def is_learned(model: Model, version: Version) -> bool:
    """Whether the rules hold its engines' step times against the plan's.

    Not with a draft model: a step then puts out several tokens and runs another model beside, and the planned rates
    know neither. Nor with stages, whose steps overlap; several engines or API servers in a pod, whose steps would be
    counted more than once, the stack refuses.
    """
    autoscaling = model.autoscaling
    if not isinstance(autoscaling, HpaScaling | KedaScaling) or not autoscaling.learn_load:
        return False
    if model.pipeline_parallel > 1:
        return False
    drafts = model.draft_model is not None or any(flag_value(model, flag, version) is not None for flag in DRAFT_FLAGS)
    return not drafts
