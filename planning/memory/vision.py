"""What pictures and videos take while vLLM profiles its memory, and what a user's limits leave of it.

vLLM runs the item of the most tokens through the tower, as often as the step's token budget holds it, and keeps what
comes out while it profiles the language model (v1/worker/gpu_model_runner.py, profile_run; encoder_budget.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from planning.architectures.shape import Architecture
from planning.architectures.vision import VisionTower, tower_of

if TYPE_CHECKING:
    from planning.memory.engine import EngineConfig

MODALITIES = ("image", "video", "audio", "vision_chunk")
LIMIT_FLAG, PROCESSOR_FLAG = "--limit-mm-per-prompt", "--mm-processor-kwargs"
LANGUAGE_ONLY, SKIP_FLAG = "--language-model-only", "--skip-mm-profiling"
_USUAL_LIMIT = 999
# From here a tower all of whose modalities have a limit of 0 is not loaded (models/interfaces.py,
# _mark_tower_model; read in 0.32, taken since --language-model-only, which is that).
_TOWER_LEFT_OUT = (0, 17)
# Tensors of a layer that live at once, per patch, beside those of the MLP; pixels twice, as they came and cast.
_RESIDUAL_TENSORS, _PIXEL_COPIES = 4, 2


@dataclass(frozen=True)
class Pictures:
    """A user's limits: items per prompt by modality, pixels of a picture, frames of a video (0: vLLM's own)."""

    limits: tuple[tuple[str, int], ...] = ()
    max_pixels: int = 0
    most_frames: int = 0
    skips_profiling: bool = False

    def limit(self, modality: str) -> int:
        """Items of that modality in one prompt."""
        return dict(self.limits).get(modality, _USUAL_LIMIT)

    @property
    def none(self) -> bool:
        """Whether neither pictures nor videos are taken."""
        return self.limit("image") == 0 and self.limit("video") == 0


ALL_PICTURES = Pictures()


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
    found = profiled(model, engine)
    if found is None:
        return 0.0, 0.0
    tower = found.tower
    mlp = (3 if tower.gated else 2) * tower.mlp / engine.tensor_parallel
    per_patch = mlp + _RESIDUAL_TENSORS * tower.width + _PIXEL_COPIES * tower.patch_pixels
    return 2 * found.items * found.patches * per_patch, 2 * found.items * found.tokens * model.hidden_size


def without_tower(model: Architecture, engine: EngineConfig) -> Architecture:
    """The model as it is loaded: as text where no picture is taken and that version then leaves the tower out."""
    return model.text_only if engine.pictures.none and engine.version >= _TOWER_LEFT_OUT else model


def pictures_of(arguments: Iterable[tuple[str, str]]) -> Pictures:
    """From flags as vLLM calls them, dotted or not, and their values; raises ValueError naming the flag."""
    found = Pictures()
    for flag, value in arguments:
        name, _, part = flag.partition(".")
        if name == LANGUAGE_ONLY and value.lower() not in ("false", "0"):
            found = replace(found, limits=tuple((modality, 0) for modality in MODALITIES))
        elif name == SKIP_FLAG:
            found = replace(found, skips_profiling=value.lower() not in ("false", "0"))
        elif name == LIMIT_FLAG:
            found = _with_limits(found, _document(name, value, part))
        elif name == PROCESSOR_FLAG:
            found = replace(found, max_pixels=_pixels(_document(name, value, part)) or found.max_pixels)
    return found


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


def _document(flag: str, value: str, part: str) -> Mapping[str, Any]:
    """JSON, vLLM's older `image=2,video=0`, or one part of a dotted flag."""
    if part:
        return {part: _plain(value)}
    text = value.strip()
    if "=" in text and not text.startswith("{"):
        pairs = (each.partition("=") for each in text.split(","))
        return {key.strip(): _plain(number) for key, _, number in pairs}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f'{flag} {value!r} is no JSON object; write {flag}={{"image": 1, "video": 0}}')
    return found


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _with_limits(found: Pictures, stated: Mapping[str, Any]) -> Pictures:
    limits, pixels, frames = dict(found.limits), found.max_pixels, found.most_frames
    for key, value in stated.items():
        modality, _, field = key.partition(".")
        if field:
            value = {field: value}
        if isinstance(value, Mapping):
            width, height = value.get("width"), value.get("height")
            if modality == "image" and _is_count(width) and _is_count(height):
                pixels = int(width) * int(height)
            frames = int(value["num_frames"]) if modality == "video" and _is_count(value.get("num_frames")) else frames
            value = value.get("count", limits.get(modality, _USUAL_LIMIT))
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{LIMIT_FLAG}: {modality} {value!r} is no count; write 0 or more")
        limits[modality] = value
    return replace(found, limits=tuple(sorted(limits.items())), max_pixels=pixels, most_frames=frames)


def _pixels(stated: Mapping[str, Any]) -> int:
    images = stated.get("images_kwargs")
    places = [stated, images if isinstance(images, Mapping) else {}]
    for place in places:
        size = place.get("size")
        for value in (place.get("max_pixels"), size.get("longest_edge") if isinstance(size, Mapping) else None):
            if _is_count(value):
                return int(value)
    return 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
