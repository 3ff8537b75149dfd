"""Experts and dense MLPs of a config.json, by the names that families give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.architectures.config_words import UnreadableConfig, alike
from planning.architectures.shape import Experts

_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_CHOSEN = (
    *("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "top_k_experts"),
    *("moe_topk", "moe_k", "moe_top_k"),
)
_SHARED_COUNTS = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
_SHARED_WIDTHS = ("shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim")


def experts_of(text: Mapping[str, Any], layers: int) -> Experts | None:
    """The routed and shared experts; None where the model has none."""
    count = alike(text, *_COUNTS)
    if count <= 1:
        return None
    width = alike(text, "moe_intermediate_size", "intermediate_size")
    per_token = alike(text, *_CHOSEN)
    if not per_token:
        raise UnreadableConfig(f"config.json does not say how many of {count} experts a token takes")
    return Experts(
        layers=layers - _dense_layers_beside(text, layers),
        experts=count,
        per_token=per_token,
        intermediate_size=width,
        shared_intermediate_size=_shared_width(text, width),
        latent_size=alike(text, "moe_latent_size", "routed_expert_hidden_size"),
    )


def _shared_width(text: Mapping[str, Any], width: int) -> int:
    if str(text.get("model_type")).startswith("llama4"):
        return width
    if text.get("model_type") == "hunyuan_v1_moe":
        # One MLP of this width beside the experts, or as many as are counted (modeling_hunyuan_v1_moe.py).
        return alike(text, "intermediate_size") * max(1, alike(text, *_SHARED_COUNTS))
    stated = alike(text, *_SHARED_WIDTHS)
    if stated:
        return stated
    count = alike(text, *_SHARED_COUNTS)
    each = alike(text, "moe_shared_expert_intermediate_size")
    # NemotronH counts its shared experts in their width, Bailing beside it; one of them either way.
    if each:
        return each * max(1, count)
    return count * width


def _dense_layers_beside(text: Mapping[str, Any], layers: int) -> int:
    """Layers of a mixture-of-experts model that have no experts."""
    if text.get("enable_moe_block"):
        return 0
    blocks = blocks_of_types(text)
    if blocks:
        return layers - sum(each in ("E", "moe") for each in blocks)
    named = text.get("mlp_layer_types")
    if isinstance(named, list):
        return sum(each != "sparse" for each in named)
    flags = text.get("moe_layer_freq")
    if isinstance(flags, list):
        return sum(not flag for flag in flags)
    listed = text.get("moe_layers_enum")
    if listed is not None:
        return layers - len(str(listed).split(",") if isinstance(listed, str) else listed)
    if text.get("moe_layer_end_index") is not None or text.get("moe_layer_interval"):
        return layers - _ernie_layers(text, layers)
    step = int(text.get("interleave_moe_layer_step") or text.get("decoder_sparse_step") or flags or 1)
    first = alike(text, "first_k_dense_replace", "num_dense_layers")
    only = text.get("mlp_only_layers") or ()
    dense_only: int = sum((i + 1) % step == 0 for i in only)
    return layers - (layers - first) // step + dense_only


def _ernie_layers(text: Mapping[str, Any], layers: int) -> int:
    """ERNIE 4.5: from one layer to another, each so many (transformers, modeling_ernie4_5_moe.py)."""
    first, last = alike(text, "moe_layer_start_index"), text.get("moe_layer_end_index", -1)
    every = int(text.get("moe_layer_interval") or 1)
    if isinstance(last, list):
        last = alike({"moe_layer_end_index": last}, "moe_layer_end_index")
    last = layers - 1 if last in (None, -1) else int(last)
    return sum((index + 1) % every == 0 and first <= index <= last for index in range(layers))


def blocks_of_types(text: Mapping[str, Any]) -> list[str]:
    """Where a layer is attention or an MLP or a state, not two of them (NemotronH): one word or letter each."""
    pattern = str(text.get("hybrid_override_pattern") or "")
    stated = list(pattern) or text.get("layers_block_type")
    return [str(each) for each in stated] if stated and {"moe", "mlp", "E", "-"} & set(map(str, stated)) else []


def dense_layers(text: Mapping[str, Any], layers: int, experts: Experts | None) -> int:
    """Layers with a dense MLP."""
    blocks = blocks_of_types(text)
    if blocks:
        return sum(each in ("-", "mlp") for each in blocks)
    if experts is None or text.get("enable_moe_block"):
        return layers
    return layers - experts.layers


def dense_width(text: Mapping[str, Any], hidden: int, experts: Experts | None) -> int:
    """Width of a dense MLP's hidden layer."""
    family = text.get("model_type")
    if experts is None and family == "granitemoehybrid":
        return int(text["shared_intermediate_size"])
    names = ("dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "ffn_hidden_size")
    stated = alike(text, *names)
    if family == "lfm2" and text.get("block_auto_adjust_ff_dim", True):
        return _lfm2_width(text, alike(text, "block_ff_dim", "intermediate_size"))
    return stated or 4 * hidden


def _lfm2_width(text: Mapping[str, Any], stated: int) -> int:
    """As lfm2.py of vLLM 0.33 and transformers: two thirds, rounded up."""
    width = int(2 * stated / 3)
    width = int(float(text.get("block_ffn_dim_multiplier") or 1) * width)
    multiple = int(text.get("block_multiple_of") or 256)
    return width + -width % multiple
