"""Reads a Hugging Face config.json into an Architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from planning.architectures.blocks import blocks_of
from planning.architectures.layout import first_weights, layout_of_config, stated_quantization
from planning.architectures.recurrent import gated_delta_net, mamba2
from planning.architectures.shape import (
    Architecture,
    AttentionLayers,
    Experts,
    LatentAttention,
    RecurrentLayers,
)
from planning.architectures.vision import shape_of, tower_parameters

_DTYPES = {"bfloat16": "bfloat16", "float16": "float16", "half": "float16", "float32": "bfloat16"}
_QKV_BIAS_FAMILIES = frozenset({"qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "chatglm"})
# Families whose config.json leaves out what their code in transformers ties by default.
_TIED_FAMILIES = frozenset({"gemma", "gemma2", "gemma3", "gemma3_text", "gemma4", "gemma4_text", "cohere", "cohere2"})
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
_UNGATED_MLP_FAMILIES = frozenset({"nemotron", "nemotron_h", "opt", "phi", "starcoder2", "gpt_neox", "falcon"})

MOST_LAYERS = 1000
LARGEST_NUMBER = 10**12
_COUNTS_OF_LAYERS = frozenset({"num_hidden_layers", "n_layer", "depth"})


class UnreadableConfig(ValueError):
    """The config.json lacks something without which memory cannot be computed."""


def from_config_json(config: Mapping[str, Any]) -> Architecture:
    """The architecture that a Hugging Face config.json describes; raises UnreadableConfig naming what is missing.

    Multimodal configs are read from their `text_config`; their vision tower's size follows from `vision_config`.
    """
    text: dict[str, Any] = {**config, **(config.get("text_config") or config.get("llm_config") or {})}
    _check_sizes(config)
    _check_known(text)
    family = str(text.get("model_type") or config.get("model_type") or "unknown")
    layers, hidden = _integer(text, "num_hidden_layers", "n_layer"), _integer(text, "hidden_size", "n_embd")
    heads = _integer(text, "num_attention_heads", "n_head")
    head_dim = int(text.get("head_dim") or hidden // heads)
    recurrent = _recurrent(text, layers, hidden)
    experts = _experts(text, layers)
    latent = _latent(text)
    gated = family not in _UNGATED_MLP_FAMILIES
    blocks = blocks_of(text, heads, head_dim, hidden, 3 if gated else 2)
    return Architecture(
        model_id=str(config.get("_name_or_path") or family),
        family=family,
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        head_dim=head_dim if latent is None else latent.nope_dim + latent.rope_dim,
        vocab_size=_integer(text, "vocab_size", "padded_vocab_size"),
        max_position_embeddings=int(
            text.get("max_position_embeddings") or text.get("seq_length") or text.get("n_positions") or 4096
        ),
        attention=blocks.attention if blocks else _attention(text, layers, head_dim, heads, latent),
        intermediate_size=blocks.mlp_width if blocks else _dense_width(text, hidden, experts),
        dense_mlp_layers=blocks.mlp_layers if blocks else _dense_layers(text, layers, experts),
        extra_parameters=blocks.rest if blocks else 0,
        gated_mlp=gated,
        attention_bias=_bias(text, family),
        output_gate=bool(text.get("attn_output_gate", family.startswith(("qwen3_next", "qwen3_5")))),
        tied_embeddings=bool(config.get("tie_word_embeddings", family in _TIED_FAMILIES)),
        rotary_dim=int(head_dim * float(_rope(text).get("partial_rotary_factor") or 1)),
        rotary_tables=2 if text.get("rope_local_base_freq") or "sliding_attention" in _rope(text) else 1,
        latent=latent,
        experts=experts,
        recurrent=recurrent,
        vision_parameters=tower_parameters(config.get("vision_config"), hidden),
        vision=shape_of(config),
        native_quantization=_quantization(stated_quantization(config)),
        layout=layout_of_config(config, layers),
        native_dtype=_DTYPES.get(_dtype(text), "bfloat16"),
        file_bytes_per_weight=4 if _dtype(text) == "float32" else 2,
        source="config.json",
    )


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


def _check_known(text: Mapping[str, Any]) -> None:
    """What would be left out in silence."""
    if text.get("hidden_size_per_layer_input"):
        what = "hidden_size_per_layer_input: embeddings of each layer"
        raise UnreadableConfig(f"config.json gives {what} are not known here")


def _integer(text: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = text.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    raise UnreadableConfig(f"config.json has no positive integer {' or '.join(names)}")


def _rope(text: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = text.get("rope_parameters")
    return parameters if isinstance(parameters, Mapping) else text


def _pattern(text: Mapping[str, Any]) -> str:
    return str(text.get("hybrid_override_pattern") or "")


def _layer_types(text: Mapping[str, Any], layers: int) -> list[str]:
    """One word per layer: full_attention, sliding_attention, linear_attention, mamba or none."""
    if _pattern(text):
        return [{"M": "mamba", "*": "full_attention"}.get(letter, "none") for letter in _pattern(text)]
    stated = text.get("layer_types") or text.get("layers_block_type")
    if stated:
        return [{"attention": "full_attention", "hybrid": "full_attention"}.get(str(t), str(t)) for t in stated]
    every = text.get("full_attention_interval")
    if every:
        return ["full_attention" if (i + 1) % every == 0 else "linear_attention" for i in range(layers)]
    window = text.get("sliding_window")
    if not window or text.get("use_sliding_window") is False:
        return ["full_attention"] * layers
    every = text.get("sliding_window_pattern") or {"gemma2": 2, "gemma3": 6, "gemma3_text": 6}.get(
        str(text.get("model_type")), 0
    )
    if not every:
        return ["sliding_attention"] * layers
    return ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(layers)]


def _attention(
    text: Mapping[str, Any], layers: int, head_dim: int, heads: int, latent: LatentAttention | None
) -> tuple[AttentionLayers, ...]:
    if latent is not None:
        return (AttentionLayers(layers, 1, latent.kv_lora_rank + latent.rope_dim),)
    kv_heads = int(text.get("num_key_value_heads") or text.get("multi_query_group_num") or heads)
    types = _layer_types(text, layers)
    full, sliding = types.count("full_attention"), types.count("sliding_attention")
    chunked = types.count("chunked_attention")
    window = int(text.get("sliding_window") or 0) or None
    global_heads = int(text.get("num_global_key_value_heads") or kv_heads)
    global_dim = int(text.get("global_head_dim") or head_dim)
    groups = (
        AttentionLayers(full, global_heads, global_dim, None, bool(text.get("attention_k_eq_v", False))),
        AttentionLayers(sliding, kv_heads, head_dim, window),
        AttentionLayers(chunked, kv_heads, head_dim, int(text.get("attention_chunk_size") or 0) or None),
    )
    return tuple(group for group in groups if group.layers)


def _latent(text: Mapping[str, Any]) -> LatentAttention | None:
    if not text.get("kv_lora_rank"):
        return None
    return LatentAttention(
        kv_lora_rank=int(text["kv_lora_rank"]),
        rope_dim=int(text["qk_rope_head_dim"]),
        nope_dim=int(text["qk_nope_head_dim"]),
        value_dim=int(text["v_head_dim"]),
        q_lora_rank=int(text["q_lora_rank"]) if text.get("q_lora_rank") else None,
    )


def _experts(text: Mapping[str, Any], layers: int) -> Experts | None:
    count = next((int(text[k]) for k in ("num_experts", "num_local_experts", "n_routed_experts") if text.get(k)), 0)
    if not count:
        return None
    width = int(text.get("moe_intermediate_size") or text.get("intermediate_size") or 0)
    shared = int(
        text.get("shared_expert_intermediate_size")
        or text.get("shared_intermediate_size")
        or text.get("moe_shared_expert_intermediate_size")
        or int(text.get("n_shared_experts") or 0) * width
    )
    if str(text.get("model_type")).startswith("llama4"):
        shared = width
    dense = 0 if text.get("enable_moe_block") else _dense_layers_beside_experts(text, layers)
    return Experts(
        layers=layers - dense,
        experts=count,
        per_token=int(text.get("num_experts_per_tok") or text.get("experts_per_token") or 1),
        intermediate_size=width,
        shared_intermediate_size=shared,
        latent_size=int(text.get("moe_latent_size") or 0),
    )


def _dense_layers_beside_experts(text: Mapping[str, Any], layers: int) -> int:
    """Layers of a mixture-of-experts model that have no experts."""
    if _pattern(text):
        return layers - _pattern(text).count("E")
    named = text.get("mlp_layer_types")
    if isinstance(named, list) and len(named) == layers:
        return named.count("dense")
    step = int(text.get("interleave_moe_layer_step") or text.get("decoder_sparse_step") or 1)
    return layers - layers // step + int(text.get("first_k_dense_replace") or len(text.get("mlp_only_layers") or ()))


def _dense_layers(text: Mapping[str, Any], layers: int, experts: Experts | None) -> int:
    if _pattern(text):
        return _pattern(text).count("-")
    if experts is None or text.get("enable_moe_block"):
        return layers
    return layers - experts.layers


def _dense_width(text: Mapping[str, Any], hidden: int, experts: Experts | None) -> int:
    if experts is None and text.get("model_type") == "granitemoehybrid":
        return int(text["shared_intermediate_size"])
    stated = text.get("intermediate_size_mlp") or text.get("intermediate_size") or text.get("ffn_hidden_size")
    return int(stated or 4 * hidden)


def _recurrent(text: Mapping[str, Any], layers: int, hidden: int) -> RecurrentLayers | None:
    types = _layer_types(text, layers)
    state_bytes = 4 if str(text.get("mamba_ssm_dtype")) == "float32" else 2
    if types.count("linear_attention") and text.get("linear_num_value_heads"):
        keys = int(text["linear_num_key_heads"]) * int(text["linear_key_head_dim"])
        value_heads, value_dim = int(text["linear_num_value_heads"]), int(text["linear_value_head_dim"])
        return gated_delta_net(
            types.count("linear_attention"), hidden, keys, value_heads, value_dim,
            int(text["linear_key_head_dim"]), int(text.get("linear_conv_kernel_dim") or 4), state_bytes,
        )  # fmt: skip
    if types.count("mamba"):
        heads = _integer(text, "mamba_n_heads", "mamba_num_heads")
        return mamba2(
            types.count("mamba"), hidden, heads, _integer(text, "mamba_d_head", "mamba_head_dim"),
            _integer(text, "mamba_d_state", "ssm_state_size"), _integer(text, "mamba_n_groups", "n_groups"),
            _integer(text, "mamba_d_conv", "conv_kernel"), state_bytes,
        )  # fmt: skip
    return None


def _bias(text: Mapping[str, Any], family: str) -> str:
    if family == "gpt_oss":
        return "all"
    stated = text.get("attention_bias", text.get("qkv_bias", text.get("add_qkv_bias")))
    return "qkv" if stated or (stated is None and family in _QKV_BIAS_FAMILIES) else "none"


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
