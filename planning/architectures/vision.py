"""The tower that looks at pictures and videos: what vLLM's memory profiling runs through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from planning.facts import rows

# A tower of any resolution without further description: Qwen's first processors.
_ANY_SIZE = (65536, 16384)
# Towers whose MLP has a gate, by vision_config's model_type (transformers' modeling files).
_OUTPUT_WIDE = frozenset({"glm4v_vision", "glm4v_moe_vision"})
_GATED = frozenset({"qwen2_5_vl", "qwen2_5_vl_vision", "pixtral", "gemma4_vision"})
# Rows of Gemma 4's two tables of positions, where the config does not say.
_GEMMA_POSITIONS = 10240


@dataclass(frozen=True)
class VisionShape:
    """Of vision_config and preprocessor_config.json what they say; 0 where they do not.

    `image_size` and `patch_size` in pixels of an edge, `merge`: patches of an edge that become one token, `max_pixels`
    of a picture of any size. `tokens`: per picture where the config says so itself. `family`: the model_type of the
    whole model, which names the tower's row better than that of its text.
    """

    family: str = ""
    width: int = 0
    mlp: int = 0
    image_size: int = 0
    patch_size: int = 0
    merge: int = 1
    max_pixels: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class VisionTower:
    """The largest picture and the longest video, in patches and in tokens, and the size of a layer (elements)."""

    patches: int
    tokens: int
    pixels_per_token: int = 0
    frame_tokens: int = 0
    frame_patches: int = 0
    most_frames: int = 0
    frames_by_context: bool = False
    width: int = 1152
    mlp: int = 4304
    gated: bool = False
    patch_pixels: int = 1536


def shape_of(config: Mapping[str, Any]) -> VisionShape | None:
    """What config.json says of its tower, with the processor's file under the key `preprocessor_config`."""
    vision = config.get("vision_config")
    if not isinstance(vision, Mapping):
        return None
    processor = _section(config, "preprocessor_config")
    size = _section(processor, "size")
    return VisionShape(
        family=str(config.get("model_type") or ""),
        width=_width(vision),
        mlp=_count(vision, "intermediate_size"),
        image_size=_count(vision, "image_size"),
        patch_size=_count(vision, "patch_size") or _count(processor, "patch_size"),
        merge=_count(vision, "spatial_merge_size") or _count(processor, "merge_size") or 1,
        max_pixels=_count(processor, "max_pixels") or _count(size, "longest_edge", "max_pixels"),
        tokens=_count(config, "mm_tokens_per_image"),
    )


def tower_of(family: str, shape: VisionShape | None, version: tuple[int, ...]) -> VisionTower:
    """The family's row for that version, with what the checkpoint's own files say instead."""
    rows_of = _towers().get(shape.family if shape else "") or _towers().get(family, ())
    known = [tower for since, tower in rows_of if since <= version]
    tower = known[-1] if known else _unknown(shape)
    if shape is None:
        return tower
    tokens, patches = tower.tokens, tower.patches
    if shape.max_pixels and tower.pixels_per_token:
        edge = (shape.patch_size or 14) * shape.merge
        unit = edge * edge if shape.patch_size else tower.pixels_per_token
        # A maker's longest_edge may be an edge of pixels, not an area: then it is smaller than any picture's area.
        if shape.max_pixels > 8192:
            tokens = max(1, shape.max_pixels // unit)
            patches = tokens * max(1, round(tower.patches / tower.tokens))
    return _with_sizes(tower, tokens, patches, shape.width or tower.width, shape.mlp or tower.mlp)


def _with_sizes(tower: VisionTower, tokens: int, patches: int, width: int, mlp: int) -> VisionTower:
    """The same with other sizes; a video's frames shrink with the picture's."""
    share = min(1.0, tokens / tower.tokens)
    return replace(
        tower,
        tokens=tokens,
        patches=patches,
        width=width,
        mlp=mlp,
        frame_tokens=round(tower.frame_tokens * share) if tower.frames_by_context else tower.frame_tokens,
        frame_patches=round(tower.frame_patches * share) if tower.frames_by_context else tower.frame_patches,
    )


def _unknown(shape: VisionShape | None) -> VisionTower:
    """A tower that has no row: pictures of the one size that it states, else of any size."""
    if shape is None or not shape.image_size:
        patches, tokens = _ANY_SIZE
        return VisionTower(patches, tokens, pixels_per_token=784)
    patches = max(1, (shape.image_size // (shape.patch_size or 14)) ** 2)
    return VisionTower(patches, shape.tokens or max(1, patches // shape.merge**2))


@cache
def _towers() -> dict[str, tuple[tuple[tuple[int, ...], VisionTower], ...]]:
    towers: dict[str, tuple[tuple[tuple[int, ...], VisionTower], ...]] = {}
    for row in rows("vision_towers.csv"):
        since = tuple(int(part) for part in row["since"].split("."))
        tower = VisionTower(
            patches=int(row["patches"]),
            tokens=int(row["tokens"]),
            pixels_per_token=int(row["pixels_per_token"] or 0),
            frame_tokens=int(row["frame_tokens"] or 0),
            frame_patches=int(row["frame_patches"] or 0),
            most_frames=int(row["most_frames"] or 0),
            frames_by_context=row["by_context"] == "yes",
            width=int(row["width"]),
            mlp=int(row["mlp"]),
            gated=row["gated"] == "yes",
            patch_pixels=int(row["patch_pixels"]),
        )
        towers[row["family"]] = (*towers.get(row["family"], ()), (since, tower))
    return towers


def tower_parameters(vision: Any, hidden: int) -> int:
    """Weights of the tower's blocks and of its projectors of two matrices into the language model."""
    if not isinstance(vision, Mapping):
        return 0
    width = _width(vision)
    depth = _count(vision, "num_hidden_layers", "depth", "vt_num_hidden_layers")
    stated = _count(vision, "intermediate_size", "vt_intermediate_size")
    mlp = stated or int(width * float(vision.get("mlp_ratio") or 4))
    matrices = 3 if str(vision.get("model_type")) in _GATED or vision.get("hidden_act") in ("silu", "swiglu") else 2
    if str(vision.get("model_type")) == "gemma4_unified_vision":
        return _without_layers(vision, hidden)
    if str(vision.get("model_type")) == "minicpmv4_6_vision":
        return _with_windows(vision, hidden)
    if str(vision.get("model_type")) in _OUTPUT_WIDE:
        # The blocks' MLP is as wide as what comes out, and intermediate_size is the projector's.
        out = _count(vision, "out_hidden_size") or hidden
        return depth * (4 * width * width + 3 * width * out) + out * out + 3 * out * mlp + 4 * width * out
    merged = width * (_count(vision, "spatial_merge_size") or (2 if vision.get("merge_kernel_size") else 1)) ** 2
    # Qwen3-VL has one projector more for each layer whose output it mixes in.
    mixed = vision.get("deepstack_visual_indexes")
    projectors = 1 + (len(mixed) if isinstance(mixed, list) else 0)
    if str(vision.get("model_type")) == "gemma4_vision":
        tables = 2 * (_count(vision, "position_embedding_size") or _GEMMA_POSITIONS)
        return depth * (4 * width * width + matrices * width * mlp) + width * (width + tables + hidden)
    return depth * (4 * width * width + matrices * width * mlp) + projectors * (merged * merged + merged * hidden)


def _without_layers(vision: Mapping[str, Any], hidden: int) -> int:
    """Gemma 4 12B's pixels go straight through a matrix, with two tables of positions (gemma4_unified.py)."""
    edge = _count(vision, "model_patch_size") or _count(vision, "patch_size") * _count(vision, "pooling_kernel_size")
    width = _count(vision, "mm_embed_dim")
    return width * (3 * edge * edge + 2 * _count(vision, "mm_posemb_size") + hidden)


def _with_windows(vision: Mapping[str, Any], hidden: int) -> int:
    """MiniCPM-V 4.6: attention in windows halves the edge once inside the tower, once behind it (minicpmv4_6.py)."""
    width, mlp = _width(vision), _count(vision, "intermediate_size")
    layers = _count(vision, "num_hidden_layers") * (4 * width * width + 2 * width * mlp)
    inside = 4 * width * width + (4 * width + width) * 4 * mlp
    return layers + inside + 16 * width * width + 4 * width * hidden


def _width(vision: Mapping[str, Any]) -> int:
    """Qwen2-VL calls the tower's width embed_dim, and the language model's hidden_size."""
    return _count(vision, "embed_dim", "vt_hidden_size", "hidden_size")


def _section(place: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = place.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(place: Mapping[str, Any], *keys: str) -> int:
    for key in keys:
        value = place.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0
