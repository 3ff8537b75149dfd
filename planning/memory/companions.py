"""From the settings of adapters and draft model to what memory and disk have to hold."""

from __future__ import annotations

from planning.architectures.described import architecture_of
from planning.architectures.shape import Architecture
from planning.memory.beside import on_disk_bytes
from planning.memory.engine import Beside
from planning.memory.size import BYTES_PER_PARAMETER, parameters_named
from planning.units import GIB
from planning.versions.arguments import flag_value
from planning.versions.vllm_versions import Version
from settings.beside import DraftMethod
from settings.models import Model

# What slots may have as rank (vLLM, config/lora.py, MaxLoRARanks).
SLOT_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
# Adapters that one batch may mix without --max-loras; vLLM's own default is 1.
MOST_SLOTS = 8
UNKNOWN_DRAFT_BYTES = 4 * GIB
# How a draft model is asked for by hand.
DRAFT_FLAGS = ("--speculative-config", "--spec-model", "--spec-method", "--spec-tokens")


def slots(model: Model, version: Version) -> int:
    """Adapters in one batch: as --max-loras says, else all up to MOST_SLOTS."""
    asked = flag_value(model, "--max-loras", version)
    return int(asked) if asked and asked.isdigit() and int(asked) else min(len(model.lora_adapters), MOST_SLOTS)


def slot_rank(model: Model) -> int:
    """The smallest rank of a slot that holds every adapter."""
    largest = max(adapter.rank for adapter in model.lora_adapters)
    return next(rank for rank in SLOT_RANKS if rank >= largest)


def drafting(model: Model) -> Model:
    """The draft model as a model of its own; only for one that has a draftModel."""
    draft = model.draft_model
    assert draft is not None
    return model.model_copy(
        update={
            "source": draft.source,
            "revision": draft.revision,
            "copy_of": None,
            "bucket": None,
            "architecture": draft.architecture,
        }
    )


def beside(model: Model, version: Version) -> Beside:
    """What memory has to hold beside the model."""
    adapters = (slots(model, version), slot_rank(model)) if model.lora_adapters else (0, 0)
    if model.draft_model is None:
        return Beside(*adapters)
    known = architecture_of(drafting(model))
    if known is not None:
        return Beside(*adapters, draft=known)
    if model.draft_model.method is not DraftMethod.DRAFT_MODEL:
        return Beside(*adapters, heads=1)
    return Beside(*adapters, draft_bytes=unknown_draft_bytes(model.draft_model.source))


def unknown_draft_bytes(source: str) -> int:
    """A draft model without a description: from the size its name says."""
    parameters = parameters_named(source)
    return UNKNOWN_DRAFT_BYTES if parameters is None else round(parameters * BYTES_PER_PARAMETER["none"])


def beside_on_disk_bytes(model: Model, known: Architecture | None, version: Version) -> int:
    """What is downloaded and kept beside the model's own weights. `known`: the model's own shape."""
    return on_disk_bytes(beside(model, version), (adapter.rank for adapter in model.lora_adapters), known)
