"""What a user wrote among `extraArgs`, by the names that a version of vLLM knows."""

from __future__ import annotations

from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version
from settings.models import Model


def flag_value(model: Model, flag: str, version: Version) -> str | None:
    """The value of a flag among the user's own arguments."""
    for argument in model.extra_args:
        name, _, value = argument.partition("=")
        if vllm_versions.canonical_flag(name, version) == flag:
            return value
    return None
