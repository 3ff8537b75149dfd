"""A user's limits on pictures and videos, in the spellings that vLLM's flags have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

MODALITIES = ("image", "video", "audio", "vision_chunk")
LIMIT_FLAG, PROCESSOR_FLAG = "--limit-mm-per-prompt", "--mm-processor-kwargs"
LANGUAGE_ONLY, SKIP_FLAG = "--language-model-only", "--skip-mm-profiling"
_USUAL_LIMIT = 999


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


def pictures_of(arguments: Iterable[tuple[str, str]]) -> Pictures:
    """From flags as vLLM calls them, dotted or not, and their values; raises ValueError naming the flag."""
    pictures = Pictures()
    for flag, value in arguments:
        name, _, part = flag.partition(".")
        if name == LANGUAGE_ONLY and value.lower() not in ("false", "0"):
            pictures = replace(pictures, limits=tuple((modality, 0) for modality in MODALITIES))
        elif name == SKIP_FLAG:
            pictures = replace(pictures, skips_profiling=value.lower() not in ("false", "0"))
        elif name == LIMIT_FLAG:
            pictures = _with_limits(pictures, _document(name, value, part))
        elif name == PROCESSOR_FLAG:
            pictures = replace(pictures, max_pixels=_pixels(_document(name, value, part)) or pictures.max_pixels)
    return pictures


def _document(flag: str, value: str, part: str) -> Mapping[str, Any]:
    """JSON, vLLM's older `image=2,video=0`, or one part of a dotted flag."""
    if part:
        return {part: _plain(value)}
    text = value.strip()
    if "=" in text and not text.startswith("{"):
        pairs = (pair.partition("=") for pair in text.split(","))
        return {key.strip(): _plain(number) for key, _, number in pairs}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError(f'{flag} {value!r} is no JSON object; write {flag}={{"image": 1, "video": 0}}')
    return document


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _with_limits(pictures: Pictures, stated: Mapping[str, Any]) -> Pictures:
    limits, pixels, frames = dict(pictures.limits), pictures.max_pixels, pictures.most_frames
    for key, value in stated.items():
        modality, _, field = key.partition(".")
        if field:
            value = {field: value}
        if isinstance(value, Mapping):
            if modality == "image":
                pixels = _count(value.get("width")) * _count(value.get("height")) or pixels
            if modality == "video":
                frames = _count(value.get("num_frames")) or frames
            value = value.get("count", limits.get(modality, _USUAL_LIMIT))
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{LIMIT_FLAG}: {modality} {value!r} is no count; write 0 or more")
        limits[modality] = value
    return replace(pictures, limits=tuple(sorted(limits.items())), max_pixels=pixels, most_frames=frames)


def _pixels(stated: Mapping[str, Any]) -> int:
    images = stated.get("images_kwargs")
    places = [stated, images if isinstance(images, Mapping) else {}]
    for place in places:
        size = place.get("size")
        for value in (place.get("max_pixels"), size.get("longest_edge") if isinstance(size, Mapping) else None):
            if _count(value):
                return _count(value)
    return 0


def _count(value: Any) -> int:
    """A positive whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
