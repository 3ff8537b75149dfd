"""Which models have something on the stack's file system."""

from __future__ import annotations

from settings.models import EfsCache, Model


def reads_shared(model: Model) -> bool:
    """Whether its weights are on it."""
    return isinstance(model.cache, EfsCache)


def keeps_compiled(model: Model) -> bool:
    """Whether what its servers compile is on it."""
    return model.compile_cache == "efs"


def on_file_system(model: Model) -> bool:
    """Whether its pods mount it."""
    return reads_shared(model) or keeps_compiled(model)
