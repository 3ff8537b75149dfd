"""The tower that hears: how many weights it has, for the kinds whose layers were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.architectures.config_words import UnreadableConfig, alike, positive

# Gemma 4's layer in widths squared: two MLPs of four, attention with positions of its own, a gated convolution
# (transformers 5.19, modeling_gemma4.py).
_CONFORMER_SQUARES = 2 * 8 + 5 + 3


def sound_parameters(audio: object, hidden: int) -> int:
    """Weights of `audio_config`'s tower and of what leads into the language model; raises UnreadableConfig."""
    if not isinstance(audio, Mapping) or not audio:
        return 0
    kind = str(audio.get("model_type"))
    if kind == "gemma4_unified_audio":
        return positive(audio, "audio_embed_dim") * hidden
    if kind == "gemma4_audio":
        return _conformer(audio, hidden)
    raise UnreadableConfig(
        f"config.json gives audio_config of {kind[:60]}: towers for sound of that kind are not known here"
    )


def _conformer(audio: Mapping[str, Any], hidden: int) -> int:
    width, depth = positive(audio, "hidden_size"), positive(audio, "num_hidden_layers")
    out = alike(audio, "output_proj_dims") or width
    return (_CONFORMER_SQUARES * depth + 1) * width * width + width * out + out * hidden
