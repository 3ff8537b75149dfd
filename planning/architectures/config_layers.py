"""Which layer of a config.json attends how: full, in a window, or by a recurrent state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.architectures.config_words import UnreadableConfig, alike, positive
from planning.architectures.recurrent import (
    delta_attention,
    gated_delta_net,
    lightning_attention,
    mamba2,
    short_convolution,
)
from planning.architectures.shape import AttentionLayers, Indexer, LatentAttention, RecurrentLayers

# Words of layer_types, layers_block_type and hybrid_override_pattern -> ours; `none` remembers nothing.
_WORDS = {
    **dict.fromkeys(("full_attention", "attention", "hybrid", "*"), "full_attention"),
    **dict.fromkeys(("deepseek_sparse_attention", "indexed_attention"), "full_attention"),
    **dict.fromkeys(("mamba", "M"), "mamba"),
    **dict.fromkeys(("moe", "mlp", "-", "E"), "none"),
    **{word: word for word in ("sliding_attention", "chunked_attention", "linear_attention", "conv")},
}
# Families that put one layer of full attention after so many less one with a window, where config.json does not say.
_PATTERNS = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "cohere2": 4, "olmo3": 4, "gpt_oss": 2}


def layer_types(text: Mapping[str, Any], layers: int) -> list[str]:
    """One of the words above per layer."""
    pattern = str(text.get("hybrid_override_pattern") or "")
    stated = list(pattern) or text.get("layer_types") or text.get("layers_block_type")
    if stated:
        return [_word(each, text) for each in stated]
    for listed in (_listed(text, layers), _spaced(text, layers)):
        if listed:
            return listed
    return _windowed(text, layers)


def _word(stated: object, text: Mapping[str, Any]) -> str:
    word = _WORDS.get(str(stated))
    if word is None:
        raise UnreadableConfig(f"config.json has a layer of type {str(stated)[:60]!r}, which is not known here")
    # NemotronH and Granite 4 in transformers' own words call their Mamba layers linear attention.
    mamba = "mamba_num_heads" in text or "mamba_n_heads" in text
    return "mamba" if word == "linear_attention" and mamba else word


def _listed(text: Mapping[str, Any], layers: int) -> list[str]:
    """From lists of layers: MiMo's flags, Kimi Linear's numbers from 1, LFM2's indices from 0, PLaMo 3's windows."""
    windows = text.get("interleaved_sliding_window")
    if isinstance(windows, list):
        return ["sliding_attention" if each else "full_attention" for each in windows]
    if str(text.get("model_type")).startswith("muse_glimmer"):
        # A layer without a rotation attends fully (vLLM 0.32, muse_glimmer.py); unsaid, each fourth from the last.
        stated = text.get("no_rope_layers") or text.get("layer_rope_theta")
        rotated = stated or [(layers - 1 - index) % 4 for index in range(layers)]
        return ["sliding_attention" if each else "full_attention" for each in rotated]
    flags = text.get("hybrid_layer_pattern")
    if isinstance(flags, list):
        return ["sliding_attention" if flag else "full_attention" for flag in flags]
    linear = text.get("linear_attn_config")
    if isinstance(linear, Mapping):
        full = set(linear["full_attn_layers"])
        return ["full_attention" if index + 1 in full else "linear_attention" for index in range(layers)]
    if text.get("full_attn_idxs"):
        full = set(text["full_attn_idxs"])
        return ["full_attention" if index in full else "conv" for index in range(layers)]
    return []


def _spaced(text: Mapping[str, Any], layers: int) -> list[str]:
    """One layer in so many attends fully: Qwen3-Next, Ling 2.5, AFMoE, Llama 4 (no_rope_layers: 0: no window)."""
    # Only Ling's classes with latent attention group their layers; its older ones do not read that key.
    every = text.get("full_attention_interval") or (text.get("kv_lora_rank") and text.get("layer_group_size"))
    if every:
        return ["full_attention" if (i + 1) % every == 0 else "linear_attention" for i in range(layers)]
    every = text.get("global_attn_every_n_layers")
    if every:
        return ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(layers)]
    if str(text.get("model_type")).startswith("llama4") and text.get("attention_chunk_size"):
        roped = text.get("no_rope_layers") or [(i + 1) % 4 for i in range(layers)]
        return ["chunked_attention" if each else "full_attention" for each in roped]
    return []


def _windowed(text: Mapping[str, Any], layers: int) -> list[str]:
    family = str(text.get("model_type"))
    # Qwen's windows are off where the file does not say they are on (transformers, configuration_qwen2.py).
    used = text.get("use_sliding_window", not family.startswith("qwen"))
    if not text.get("sliding_window") or not used:
        return ["full_attention"] * layers
    if family.startswith("qwen"):
        first = int(text.get("max_window_layers", 28))
        return ["full_attention" if i < first else "sliding_attention" for i in range(layers)]
    every = text.get("sliding_window_pattern") or _PATTERNS.get(family, 0)
    if isinstance(every, str):
        return ["sliding_attention" if every[i % len(every)] == "L" else "full_attention" for i in range(layers)]
    if not every:
        return ["sliding_attention"] * layers
    return ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(layers)]


def attention_of(
    text: Mapping[str, Any], types: list[str], head_dim: int, heads: int, latent: LatentAttention | None
) -> tuple[AttentionLayers, ...]:
    """Layers with keys and values, by the shape of what they keep."""
    full, sliding = types.count("full_attention"), types.count("sliding_attention")
    if latent is not None:
        return (AttentionLayers(full, 1, latent.kv_lora_rank + latent.rope_dim),)
    kv_heads = int(
        text.get("num_key_value_heads")
        or text.get("multi_query_group_num")
        or text.get("num_attention_groups")
        or (1 if text.get("multi_query") else heads)
    )
    value = int(text.get("v_head_dim") or 0) or None
    windows = [each for each in text.get("interleaved_sliding_window") or () if each]
    window = alike({"window": windows}, "window") or int(text.get("sliding_window") or 0) or None
    groups = (
        AttentionLayers(
            full,
            int(text.get("num_global_key_value_heads") or kv_heads),
            int(text.get("global_head_dim") or head_dim),
            None,
            bool(text.get("attention_k_eq_v", False)),
            value,
            _heads_of(text, types, "full_attention"),
        ),
        AttentionLayers(
            sliding,
            int(text.get("swa_num_key_value_heads") or kv_heads),
            int(text.get("swa_head_dim") or head_dim),
            window,
            False,
            int(text.get("swa_v_head_dim") or 0) or value,
            _heads_of(text, types, "sliding_attention"),
        ),
        AttentionLayers(
            types.count("chunked_attention"), kv_heads, head_dim, int(text.get("attention_chunk_size") or 0) or None
        ),
    )
    return tuple(group for group in groups if group.layers)


def _heads_of(text: Mapping[str, Any], types: list[str], kind: str) -> int | None:
    """Query heads of that kind of layer where they are not num_attention_heads: Laguna's list, MiMo, Step 3.5."""
    by_layer = text.get("num_attention_heads_per_layer")
    if isinstance(by_layer, list):
        of_kind = [each for each, of in zip(by_layer, types, strict=False) if of == kind]
        return alike({"num_attention_heads_per_layer": of_kind}, "num_attention_heads_per_layer") or None
    if kind != "sliding_attention":
        return None
    other = text.get("attention_other_setting")
    stated = text.get("swa_num_attention_heads") or text.get("num_sliding_attention_heads")
    return int(stated or (other or {}).get("num_attention_heads") or 0) or None


def latent_of(text: Mapping[str, Any]) -> LatentAttention | None:
    """DeepSeek's latent attention; none where the file turns it off (`use_mla`)."""
    if not text.get("kv_lora_rank") or text.get("use_mla") is False:
        return None
    return LatentAttention(
        kv_lora_rank=int(text["kv_lora_rank"]),
        rope_dim=int(text["qk_rope_head_dim"]),
        nope_dim=int(text["qk_nope_head_dim"]),
        value_dim=int(text["v_head_dim"]),
        q_lora_rank=int(text["q_lora_rank"]) if text.get("q_lora_rank") else None,
    )


def indexer_of(text: Mapping[str, Any], layers: int) -> Indexer | None:
    """DeepSeek's sparse attention; which layers have an indexer of their own: vllm/models/deepseek_v32/attention.py."""
    if not text.get("index_topk") or not text.get("kv_lora_rank"):
        return None
    every, offset = int(text.get("index_topk_freq") or 1), int(text.get("index_skip_topk_offset") or 2)
    pattern = text.get("index_topk_pattern")
    if pattern is None and not text.get("index_topk_freq") and isinstance(text.get("indexer_types"), list):
        pattern = ["S" if each == "shared" else "F" for each in text["indexer_types"]]
    own = [
        pattern[i] != "S" if pattern is not None and i < len(pattern) else max(i - offset + 1, 0) % every == 0
        for i in range(layers)
    ]
    return Indexer(sum(own), positive(text, "index_n_heads"), positive(text, "index_head_dim"))


def recurrent_of(text: Mapping[str, Any], types: list[str], hidden: int) -> RecurrentLayers | None:
    """Layers that keep a state of one size."""
    linear, mamba, conv = (types.count(word) for word in ("linear_attention", "mamba", "conv"))
    state_bytes = 4 if "float32" in (str(text.get("mamba_ssm_dtype")), str(text.get("mamba_ssm_cache_dtype"))) else 2
    kimi = text.get("linear_attn_config")
    if linear and isinstance(kimi, Mapping):
        dims = int(kimi["num_heads"]), int(kimi["head_dim"]), int(kimi.get("short_conv_kernel_size") or 4)
        return delta_attention(linear, hidden, *dims)
    if linear and text.get("linear_num_heads"):
        heads, dim = positive(text, "linear_num_heads"), positive(text, "linear_head_dim")
        return delta_attention(linear, hidden, heads, dim, positive(text, "linear_conv_kernel_dim"))
    if linear and text.get("linear_num_value_heads"):
        keys = int(text["linear_num_key_heads"]) * int(text["linear_key_head_dim"])
        value_heads, value_dim = int(text["linear_num_value_heads"]), int(text["linear_value_head_dim"])
        return gated_delta_net(
            linear, hidden, keys, value_heads, value_dim,
            int(text["linear_key_head_dim"]), int(text.get("linear_conv_kernel_dim") or 4), state_bytes,
        )  # fmt: skip
    # Ling 3 has this key, too, and convolutions that Ling 2.5 has not.
    if linear and text.get("layer_group_size") and not text.get("short_conv_kernel_size"):
        heads = positive(text, "num_attention_heads")
        return lightning_attention(linear, hidden, heads, int(text.get("head_dim") or hidden // heads))
    if mamba:
        heads = positive(text, "mamba_n_heads", "mamba_num_heads")
        return mamba2(
            mamba, hidden, heads, positive(text, "mamba_d_head", "mamba_head_dim"),
            positive(text, "mamba_d_state", "ssm_state_size"), positive(text, "mamba_n_groups", "n_groups"),
            positive(text, "mamba_d_conv", "conv_kernel"), state_bytes,
        )  # fmt: skip
    if conv:
        return short_convolution(conv, hidden, positive(text, "conv_L_cache"))
    if linear:
        raise UnreadableConfig("config.json has layers of linear attention whose sizes are not known here")
    return None
