"""What pictures and videos take while vLLM profiles its memory, and what a user's limits leave of it.

vLLM runs the item of the most tokens through the tower, as often as the step's token budget holds it, and keeps what
comes out while it profiles the language model (v1/worker/gpu_model_runner.py, profile_run; encoder_budget.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planning.architectures.shape import Architecture
from planning.architectures.vision import VisionTower, tower_of
from planning.memory.engine import EngineConfig
from planning.memory.picture_limits import Pictures

# From here a tower all of whose modalities have a limit of 0 is not loaded (models/interfaces.py,
# _mark_tower_model; read in 0.32, taken since --language-model-only, which is that).
_TOWER_LEFT_OUT = (0, 17)
# Tensors of a layer that live at once, per patch, beside those of the MLP; pixels twice, as they came and cast.
_RESIDUAL_TENSORS, _PIXEL_COPIES = 4, 2


@dataclass(frozen=True)
class Profiled:
    """What vLLM's log calls `profiled with N … items of the maximum feature size`: of one item tokens and patches."""

    items: int
    modality: str
    tokens: int
    patches: int
    tower: VisionTower


def profiled(model: Architecture, engine: EngineConfig) -> Profiled | None:
    """What runs through the tower, None for nothing; `engine` with its batch limits."""
    asked = engine.pictures
    if not model.vision_parameters or not engine.is_v1 or asked.none or asked.skips_profiling:
        return None
    tower = _limited(tower_of(model.family, model.vision, engine.version), asked)
    tokens, patches, modality = _largest(tower, asked, engine.max_model_len)
    batched = engine.max_num_batched_tokens or 2048
    per_prompt = max(1, min(asked.limit(modality), engine.max_model_len // tokens))
    items = max(1, min(max(batched, tokens) // tokens, (engine.max_num_seqs or 256) * per_prompt))
    return Profiled(items, modality, tokens, patches, tower)


def encoder_bytes(model: Architecture, engine: EngineConfig) -> tuple[float, float]:
    """Peak of the tower, and what its outputs hold afterwards; bytes per GPU. `engine` with its batch limits."""
    profile = profiled(model, engine)
    if profile is None:
        return 0.0, 0.0
    tower = profile.tower
    mlp = (3 if tower.gated else 2) * tower.mlp / engine.tensor_parallel
    per_patch = mlp + _RESIDUAL_TENSORS * tower.width + _PIXEL_COPIES * tower.patch_pixels
    return 2 * profile.items * profile.patches * per_patch, 2 * profile.items * profile.tokens * model.hidden_size


def without_tower(model: Architecture, engine: EngineConfig) -> Architecture:
    """The model as it is loaded: without the towers of what is not taken, where that version leaves them out."""
    if engine.version < _TOWER_LEFT_OUT:
        return model
    if engine.pictures.none:
        model = replace(model, vision_parameters=0, vision=None)
    return replace(model, sound_parameters=0) if engine.pictures.limit("audio") == 0 else model


def _largest(tower: VisionTower, asked: Pictures, max_model_len: int) -> tuple[int, int, str]:
    """Tokens and patches of the item of the most tokens, and its modality; the later name wins, as in vLLM."""
    offered = []
    if asked.limit("image"):
        offered.append((tower.tokens, "image", tower.patches))
    if asked.limit("video") and tower.frame_tokens:
        frames = tower.most_frames
        if tower.frames_by_context:
            frames = max(1, min(frames, max_model_len // tower.frame_tokens))
        offered.append((frames * tower.frame_tokens, "video", frames * tower.frame_patches))
    tokens, modality, patches = max(offered, default=(tower.tokens, "image", tower.patches))
    return tokens, patches, modality


def _limited(tower: VisionTower, asked: Pictures) -> VisionTower:
    if asked.most_frames and tower.most_frames:
        tower = replace(tower, most_frames=min(tower.most_frames, max(1, asked.most_frames)))
    if not asked.max_pixels or not tower.pixels_per_token:
        return tower
    tokens = max(1, asked.max_pixels // tower.pixels_per_token)
    if tokens >= tower.tokens:
        return tower
    share = tokens / tower.tokens
    return replace(
        tower,
        tokens=tokens,
        patches=max(1, round(tower.patches * share)),
        frame_tokens=max(1, round(tower.frame_tokens * share)) if tower.frames_by_context else tower.frame_tokens,
        frame_patches=round(tower.frame_patches * share) if tower.frames_by_context else tower.frame_patches,
    )
