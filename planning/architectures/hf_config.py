"""Reads a Hugging Face config.json into an Architecture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from planning.architectures.blocks import blocks_of
from planning.architectures.config_experts import dense_layers, dense_width, experts_of
from planning.architectures.config_layers import attention_of, indexer_of, latent_of, layer_types, recurrent_of
from planning.architectures.config_words import UnreadableConfig, check_known, text_of
from planning.architectures.config_words import positive as _integer
from planning.architectures.layout import QuantizationLayout, first_weights, layout_of_config, stated_quantization
from planning.architectures.per_layer import per_layer_of, shared_layers, widened, with_readers
from planning.architectures.shape import Architecture, AttentionLayers, Experts, LatentAttention
from planning.architectures.sound import sound_parameters
from planning.architectures.vision import shape_of, tower_parameters

_DTYPES = {"bfloat16": "bfloat16", "float16": "float16", "half": "float16", "float32": "bfloat16"}
_QKV_BIAS_FAMILIES = frozenset({"qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "chatglm"})
# Families whose config.json leaves out what their code in transformers ties by default.
_TIED_FAMILIES = frozenset(
    {
        "gemma",
        "gemma2",
        "gemma3",
        "gemma3_text",
        "gemma4",
        "gemma4_text",
        "gemma4_unified_text",
        "cohere",
        "cohere2",
        "plamo3",
    }
)
# config.json's quant_method -> the format of planning/memory/weights.py.
_STORED = {
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "awq": "awq",
    "awq_marlin": "awq",
    "gptq": "gptq",
    "gptq_marlin": "gptq",
    "auto-round": "gptq",
    "auto_round": "gptq",
    "bitsandbytes": "bitsandbytes",
    "mxfp4": "mxfp4",
}
_UNGATED_MLP_FAMILIES = frozenset(
    {"nemotron", "nemotron_h", "opt", "phi", "starcoder2", "gpt_neox", "falcon", "apertus", "arcee"}
)

MOST_LAYERS = 1000
LARGEST_NUMBER = 10**12
_COUNTS_OF_LAYERS = frozenset({"num_hidden_layers", "n_layer", "depth"})


def from_config_json(config: Mapping[str, Any]) -> Architecture:
    """The architecture that a Hugging Face config.json describes; raises UnreadableConfig naming what is missing.

    Multimodal configs are read from their `text_config`; their vision tower's size follows from `vision_config`.
    """
    text = text_of(config)
    _check_sizes(config)
    check_known(text)
    family = str(text.get("model_type") or config.get("model_type") or "unknown")
    layers, hidden = _layers(text), _integer(text, "hidden_size", "n_embd")
    heads = _integer(text, "num_attention_heads", "n_head")
    head_dim = int(text.get("head_dim") or hidden // heads)
    types = layer_types(text, layers)
    if len(types) != layers:
        raise UnreadableConfig(f"config.json names {layers} layers and the types of {len(types)}")
    experts = experts_of(text, layers)
    latent = latent_of(text)
    gated = family not in _UNGATED_MLP_FAMILIES
    dense = dense_layers(text, layers, experts)
    layout = layout_of_config(config, layers, _having(types, dense, experts))
    matrices = 3 if gated else 2
    blocks = blocks_of(text, heads, head_dim, hidden, matrices)
    mlp = widened(text, dense, dense_width(text, hidden, experts), matrices * hidden)
    vocabulary = _integer(text, "vocab_size", "padded_vocab_size")
    return Architecture(
        model_id=str(config.get("_name_or_path") or family),
        family=family,
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        head_dim=head_dim if latent is None else latent.nope_dim + latent.rope_dim,
        vocab_size=vocabulary,
        max_position_embeddings=int(
            text.get("max_position_embeddings") or text.get("seq_length") or text.get("n_positions") or 4096
        ),
        attention=blocks.attention if blocks else _kept(text, types, head_dim, heads, latent),
        intermediate_size=blocks.mlp_width if blocks else mlp.width,
        dense_mlp_layers=blocks.mlp_layers if blocks else dense,
        extra_parameters=(blocks.rest if blocks else mlp.rest) + _head_gates(text, layers, hidden, heads),
        gated_mlp=gated,
        attention_bias=_bias(text, family),
        output_gate=_output_gate(text, family),
        tied_embeddings=bool(config.get("tie_word_embeddings", family in _TIED_FAMILIES)),
        rotary_dim=latent.rope_dim if latent else int(head_dim * float(_rope(text).get("partial_rotary_factor") or 1)),
        rotary_tables=2 if text.get("rope_local_base_freq") or "sliding_attention" in _rope(text) else 1,
        latent=latent,
        indexer=indexer_of(text, layers),
        experts=experts,
        recurrent=recurrent_of(text, types, hidden),
        per_layer=per_layer_of(text, layers, vocabulary),
        vision_parameters=tower_parameters(config.get("vision_config"), hidden),
        vision=shape_of(config),
        sound_parameters=sound_parameters(text.get("audio_config"), hidden),
        native_quantization=_stored(stated_quantization(config), layout),
        layout=layout,
        native_dtype=_DTYPES.get(_dtype(text), "bfloat16"),
        file_bytes_per_weight=4 if _dtype(text) == "float32" else 2,
        source="config.json",
    )


def _kept(
    text: Mapping[str, Any], types: list[str], head_dim: int, heads: int, latent: LatentAttention | None
) -> tuple[AttentionLayers, ...]:
    """Layers with keys and values, told which late layers read them too."""
    own = len(types) - shared_layers(text, len(types))
    return with_readers(attention_of(text, types[:own], head_dim, heads, latent), types[own:])


def _having(types: list[str], dense: int, experts: Experts | None) -> dict[str, int]:
    """Layers that have a part (layout.PARTS)."""
    mixtures = experts.layers if experts else 0
    return {
        "attention": sum(each in ("full_attention", "sliding_attention", "chunked_attention") for each in types),
        "recurrent": sum(each in ("linear_attention", "mamba", "conv") for each in types),
        "dense": dense,
        "routed": mixtures,
        "shared": mixtures,
    }


def _layers(text: Mapping[str, Any]) -> int:
    """Stated, or as many as have a type."""
    listed = text.get("layers_block_type") or text.get("layer_types")
    if text.get("num_hidden_layers") is None and isinstance(listed, list) and 0 < len(listed) <= MOST_LAYERS:
        return len(listed)
    return _integer(text, "num_hidden_layers", "n_layer")


def _head_gates(text: Mapping[str, Any], layers: int, hidden: int, heads: int) -> int:
    """Gates of one number per head and token (Laguna, Step 3.5); 16 bit."""
    gated = text.get("use_head_wise_attn_gate") or (text.get("model_type") == "laguna" and text.get("gating", True))
    if not gated:
        return 0
    by_layer = text.get("num_attention_heads_per_layer")
    total = sum(by_layer) if isinstance(by_layer, list) else layers * heads
    # One gate per head, or one per element of it.
    return hidden * total * (1 if gated in (True, "per-head") else int(text["head_dim"]))


def _output_gate(text: Mapping[str, Any], family: str) -> bool:
    """Muse Glimmer's is off only where its file says false (vLLM 0.32, muse_glimmer.py)."""
    if family.startswith("muse_glimmer"):
        return text.get("use_attn_output_gate") is not False
    return bool(text.get("attn_output_gate", family.startswith(("qwen3_next", "qwen3_5", "afmoe"))))


def _dtype(text: Mapping[str, Any]) -> str:
    return str(text.get("torch_dtype") or text.get("dtype"))


def _check_sizes(config: Mapping[str, Any], above: str = "") -> None:
    """Before lists of so many layers are made, and before numbers meet in products that no float holds."""
    for key, value in config.items():
        most = MOST_LAYERS if key in _COUNTS_OF_LAYERS else LARGEST_NUMBER
        if isinstance(value, int | float) and not isinstance(value, bool) and not -LARGEST_NUMBER <= value <= most:
            raise UnreadableConfig(f"config.json gives {above}{key} {value:.6g}, more than {most:.6g}")
        if isinstance(value, Mapping):
            _check_sizes(value, f"{above}{key}.")


def _rope(text: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = text.get("rope_parameters")
    return parameters if isinstance(parameters, Mapping) else text


def _bias(text: Mapping[str, Any], family: str) -> str:
    if family == "gpt_oss":
        return "all"
    stated = text.get("attention_bias", text.get("qkv_bias", text.get("add_qkv_bias")))
    return "qkv" if stated or (stated is None and family in _QKV_BIAS_FAMILIES) else "none"


def _stored(stated: Mapping[str, Any] | None, layout: QuantizationLayout) -> str:
    """The one format, or of several that of the experts, else of most parts."""
    if not layout.mixed:
        return _quantization(stated)
    by_part = {part: stored for part, stored, _ in layout.mixed}
    return by_part.get("routed") or Counter(by_part.values()).most_common(1)[0][0]


def _quantization(stated: Mapping[str, Any] | None) -> str:
    """The format whose bytes are counted; `none` for methods that vLLM does not have, which the plan refuses."""
    if stated is None:
        return "none"
    method = str(stated.get("quant_method", "none")).lower()
    weights = first_weights(stated)
    if method in {"compressed-tensors", "compressed_tensors", "quark", "modelopt"}:
        algorithm = str(stated.get("quant_algo") or stated.get("format") or "").lower()
        bits = int(weights.get("num_bits") or (4 if re.search("fp4|w4a|awq", algorithm) else 8))
        is_float = str(weights.get("type") or ("int" if re.search("int|awq", algorithm) else "float")) == "float"
        if bits == 4:
            return "nvfp4" if is_float else "gptq"
        return "fp8" if is_float else "int8"
    if method in {"gptq", "gptq_marlin"} and int(stated.get("bits") or 4) == 8:
        return "int8"
    return _STORED.get(method, "none")
