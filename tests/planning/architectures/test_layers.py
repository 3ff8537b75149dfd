"""What each kind of layer keeps, from a config.json: patterns, windows, states, shared and sparse keys."""

from __future__ import annotations

from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.hf_config import from_config_json
from planning.facts import rows
from planning.memory.engine import EngineConfig
from planning.memory.kv_cache import cache_layout, kv_cache_bytes_per_token
from planning.memory.weights import stage_layers, weights_bytes_per_gpu

LLAMA: dict[str, Any] = {
    "model_type": "llama", "num_hidden_layers": 8, "hidden_size": 1024, "intermediate_size": 4096,
    "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 64, "vocab_size": 32000,
}  # fmt: skip
LATENT = {
    "model_type": "deepseek_v32", "kv_lora_rank": 512, "q_lora_rank": 256, "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128, "v_head_dim": 128,
}  # fmt: skip
INDEXED = {**LATENT, "index_topk": 2048, "index_n_heads": 64, "index_head_dim": 128}
MIXTURE = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 512}


def shape(**changes: Any) -> list[tuple[int, int | None]]:
    return [(group.layers, group.window) for group in from_config_json({**LLAMA, **changes}).attention]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [(8, None)]),
        ({"sliding_window": 512}, [(8, 512)]),
        # Qwen's windows are off unless the file says so, and then begin at max_window_layers.
        ({"model_type": "qwen2", "sliding_window": 512}, [(8, None)]),
        (
            {"model_type": "qwen2", "sliding_window": 512, "use_sliding_window": True, "max_window_layers": 6},
            [(6, None), (2, 512)],
        ),
        ({"model_type": "gemma3_text", "sliding_window": 512}, [(1, None), (7, 512)]),
        ({"model_type": "cohere2", "sliding_window": 512}, [(2, None), (6, 512)]),
        ({"sliding_window": 512, "sliding_window_pattern": "LLLG"}, [(2, None), (6, 512)]),
        ({"sliding_window": 128, "hybrid_layer_pattern": [0, 1, 1, 1, 1, 1, 0, 1]}, [(2, None), (6, 128)]),
        ({"sliding_window": 512, "global_attn_every_n_layers": 4}, [(2, None), (6, 512)]),
        # A key that vLLM's bailing_moe.py does not read.
        ({"model_type": "bailing_moe", "layer_group_size": 4}, [(8, None)]),
        # PLaMo 3's list of windows; Muse Glimmer's layers without a rotation, unsaid each fourth from the last.
        ({"model_type": "plamo3", "interleaved_sliding_window": [512, 512, 512, None] * 2}, [(2, None), (6, 512)]),
        ({"model_type": "muse_glimmer_text", "sliding_window": 512}, [(2, None), (6, 512)]),
        (
            {"model_type": "muse_glimmer_text", "sliding_window": 512, "num_hidden_layers": 6},
            [(2, None), (4, 512)],
        ),
        (
            {"model_type": "muse_glimmer_text", "sliding_window": 512, "no_rope_layers": [1, 0] * 4},
            [(4, None), (4, 512)],
        ),
        # Llama 4 writes chunks; which layers have none follows from no_rope_layers, or is each fourth.
        ({"model_type": "llama4_text", "attention_chunk_size": 8192}, [(2, None), (6, 8192)]),
        (
            {"model_type": "llama4_text", "attention_chunk_size": 8192, "no_rope_layers": [1, 0] * 4},
            [(4, None), (4, 8192)],
        ),
    ],
)
def test_windows_are_read_from_whatever_says_them(
    changes: dict[str, Any], expected: list[tuple[int, int | None]]
) -> None:
    assert shape(**changes) == expected


def test_a_type_of_layer_that_is_not_known_is_refused() -> None:
    with pytest.raises(UnreadableConfig, match="retention"):
        shape(layer_types=["retention"] * 8)
    with pytest.raises(UnreadableConfig, match="8 layers and the types of 6"):
        shape(layer_types=["full_attention"] * 6)


@pytest.mark.parametrize("row", rows("config_refused.csv"), ids=lambda row: row["key"])
def test_a_key_whose_memory_is_not_computed_is_refused_by_name(row: dict[str, str]) -> None:
    with pytest.raises(UnreadableConfig, match=row["key"]):
        from_config_json({**LLAMA, row["key"]: 3})
    nothing: tuple[Any, ...] = (None, False, 0, [])
    for no in nothing:
        assert from_config_json({**LLAMA, row["key"]: no}).layers == 8


def test_nemotron_h_in_either_spelling_has_the_same_layers() -> None:
    sizes = {
        **LLAMA, "model_type": "nemotron_h", "num_hidden_layers": 6, "mamba_num_heads": 16, "mamba_head_dim": 64,
        "ssm_state_size": 128, "n_groups": 8, "conv_kernel": 4, "mamba_ssm_cache_dtype": "float32",
        "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 512, "n_shared_experts": 1,
        "moe_shared_expert_intermediate_size": 1024,
    }  # fmt: skip
    letters = from_config_json({**sizes, "hybrid_override_pattern": "MEM*E-"})
    listed = {**sizes, "layers_block_type": ["mamba", "moe", "mamba", "attention", "moe", "mlp"]}
    for config in (listed, {k: v for k, v in listed.items() if k != "num_hidden_layers"}):
        words = from_config_json(config)
        assert (words.attention, words.experts, words.recurrent) == (
            letters.attention, letters.experts, letters.recurrent,
        )  # fmt: skip
        assert words.dense_mlp_layers == letters.dense_mlp_layers == 1
    assert letters.recurrent is not None
    assert letters.recurrent.state_dtype_bytes == 4
    assert letters.experts is not None
    assert letters.experts.layers == 2


def test_sparse_attention_keeps_a_key_per_layer_that_has_an_indexer() -> None:
    """Read in vLLM 0.33: deepseek_v2.py (Indexer) has 132 bytes of keys, mla_attention.py 656 bytes where fp8."""
    engine = EngineConfig(8192)
    plain, sparse = from_config_json({**LLAMA, **LATENT}), from_config_json({**LLAMA, **INDEXED})
    assert kv_cache_bytes_per_token(plain, engine) == 8 * 576 * 2
    assert kv_cache_bytes_per_token(sparse, engine) == 8 * (576 * 2 + 132)
    assert cache_layout(sparse, engine).block_bytes == 16 * 8 * (576 * 2 + 132)
    shared = from_config_json({**LLAMA, **INDEXED, "index_topk_freq": 4, "index_skip_topk_offset": 3})
    assert shared.indexer is not None
    assert shared.indexer.layers == 4
    assert kv_cache_bytes_per_token(sparse, EngineConfig(8192, kv_cache_dtype="fp8")) == 8 * (656 + 132)


def test_latent_attention_that_is_turned_off_is_ordinary() -> None:
    off = from_config_json({**LLAMA, **LATENT, "use_mla": False})
    assert off.latent is None
    assert off.attention[0].kv_heads == 4


def test_a_kind_whose_tokens_take_less_holds_more_of_them_in_a_block() -> None:
    """Gemma 4 26B: five global layers of 2 x 512, 25 of 8 x 256 with a window; vLLM 0.32 says 4,096 and 8,192 bytes."""
    config = {
        **LLAMA, "num_hidden_layers": 30, "num_key_value_heads": 8, "head_dim": 256, "num_global_key_value_heads": 2,
        "global_head_dim": 512, "sliding_window": 1024,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 5,
    }  # fmt: skip
    layout = cache_layout(from_config_json(config), EngineConfig(8192))
    assert [layout.tokens(index) for index in range(len(layout.groups))] == [32, 16, 16, 16, 16, 16]
    assert layout.block_bytes == 5 * 2 * 8 * 256 * 2 * 16


def test_keys_and_values_may_have_other_sizes() -> None:
    """MiMo V2 Flash: vLLM 0.32 keeps 4 x (192 + 128) elements in a full layer, 8 x (192 + 128) in a window's."""
    config = {
        **LLAMA, "head_dim": 192, "v_head_dim": 128, "swa_num_key_value_heads": 8, "swa_head_dim": 192,
        "swa_v_head_dim": 128, "sliding_window": 128, "hybrid_layer_pattern": [0, 1, 1, 1, 1, 1, 0, 1],
    }  # fmt: skip
    found = from_config_json(config)
    assert [(group.layers, group.kv_heads * group.kept_dim) for group in found.attention] == [(2, 1280), (6, 2560)]


@pytest.mark.parametrize(
    ("keys", "dense"),
    [
        ({"first_k_dense_replace": 2}, 2),
        ({"num_dense_layers": 3}, 3),
        ({"moe_layer_freq": [0, 0, 1, 1, 1, 1, 1, 1]}, 2),
        ({"moe_layer_freq": 1, "first_k_dense_replace": 1}, 1),
        ({"mlp_layer_types": ["dense"] * 3 + ["sparse"] * 5}, 3),
        ({"moe_layers_enum": "3,4,5,6,7"}, 3),
        ({"moe_layer_start_index": 1, "moe_layer_end_index": 6, "moe_layer_interval": 1}, 2),
        ({"decoder_sparse_step": 2}, 4),
        ({"mlp_only_layers": [0, 5]}, 2),
    ],
)
def test_layers_without_experts_are_told_in_many_ways(keys: dict[str, Any], dense: int) -> None:
    found = from_config_json({**LLAMA, **MIXTURE, **keys})
    assert found.experts is not None
    assert (found.dense_mlp_layers, found.experts.layers) == (dense, 8 - dense)


def test_values_by_layer_that_differ_are_refused() -> None:
    alike = from_config_json({**LLAMA, **MIXTURE, "moe_intermediate_size": [512] * 8})
    assert alike.experts is not None
    assert alike.experts.intermediate_size == 512
    with pytest.raises(UnreadableConfig, match="moe_intermediate_size by layer"):
        from_config_json({**LLAMA, **MIXTURE, "moe_intermediate_size": [512, 1024] * 4})
    with pytest.raises(UnreadableConfig, match="how many of 8 experts"):
        from_config_json({**LLAMA, **{k: v for k, v in MIXTURE.items() if k != "num_experts_per_tok"}})


def test_layers_that_do_not_divide_go_before_the_last_stage() -> None:
    assert [stage_layers(layers, 4) for layers in (8, 9, 11)] == [[2, 2, 2, 2], [2, 2, 3, 2], [3, 3, 3, 2]]
    even, odd = (from_config_json({**LLAMA, "num_hidden_layers": layers}) for layers in (8, 9))
    config = EngineConfig(8192, pipeline_parallel=2)
    # Five of nine layers, and the embedding, lie on the first GPU.
    assert weights_bytes_per_gpu(odd, config) > weights_bytes_per_gpu(even, config) * 1.1
    assert kv_cache_bytes_per_token(odd, config) >= kv_cache_bytes_per_token(even, config)


def test_a_checkpoint_of_several_formats_is_counted_by_part() -> None:
    layers = {
        f"model.layers.{index}.{module}": {"quant_algo": algorithm}
        for index in range(8)
        for module, algorithm in (("self_attn.q_proj", "FP8"), ("self_attn.o_proj", "FP8"), ("mlp.down_proj", "NVFP4"))
    }
    quantization = {"quant_algo": "MIXED_PRECISION", "quantized_layers": layers}
    found = from_config_json({**LLAMA, "hf_quant_config": {"quantization": quantization}})
    assert found.layout.mixed == (("attention", "fp8", 1.0), ("dense", "nvfp4", 1.0))
    mixed, plain = (weights_bytes_per_gpu(each, EngineConfig(8192)) for each in (found, from_config_json(LLAMA)))
    saved = found.attention_parameters * 1.0 + found.dense_mlp_parameters * (2 - 4.5 / 8)
    assert plain - mixed == pytest.approx(saved, rel=0.02)


def test_a_list_of_exceptions_counts_only_layers_that_have_the_part() -> None:
    """All attention layers of a hybrid are kept in 16 bit: two of six layers are all of them."""
    config = {
        **LLAMA, "num_hidden_layers": 6, "layer_types": ["conv", "conv", "full_attention"] * 2, "conv_L_cache": 3,
        "quantization_config": {
            "quant_method": "fp8", "modules_to_not_convert": ["model.layers.2.self_attn", "model.layers.5.self_attn"],
        },
    }  # fmt: skip
    assert from_config_json(config).layout.share_unquantized("attention") == 1


def test_ling_2_5s_layers_have_the_weights_and_the_state_of_vllms_own() -> None:
    """The numbers are those of vLLM 0.32's BailingMoELinearAttention and BailingMoeV25MLAAttention of these sizes, made
    on a CPU on 2026-11-28: 1,311,360 and 721,216 weights, the latter with 320 of norms; a state of 8 x 64 x 64."""
    config = {
        **LLAMA, "model_type": "bailing_hybrid", "num_hidden_layers": 12, "layer_group_size": 5, "hidden_size": 512,
        "num_attention_heads": 8, "num_key_value_heads": 8, "head_dim": 64, "kv_lora_rank": 128, "q_lora_rank": 192,
        "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "v_head_dim": 64,
    }  # fmt: skip
    model = from_config_json(config)
    assert [(group.layers, group.kept_dim) for group in model.attention] == [(2, 2 * 160)]
    assert model.attention_parameters == 2 * (721_216 - 320)
    assert model.recurrent is not None
    assert (model.recurrent.layers, model.recurrent.parameters) == (10, 1_311_360)
    assert (model.recurrent.state_elements, model.recurrent.convolution_elements) == (8 * 64 * 64, 0)
    assert model.recurrent.state_dtype_bytes == 2


def test_ling_3s_linear_layers_are_not_taken_for_ling_2_5s() -> None:
    with pytest.raises(UnreadableConfig, match="linear attention whose sizes are not known"):
        from_config_json({**LLAMA, **LATENT, "layer_group_size": 4, "short_conv_kernel_size": 4})


def test_plamo_3_ties_its_embeddings_where_the_file_is_silent() -> None:
    """A file leaves out what is the default of every configuration in transformers: tied."""
    assert from_config_json({**LLAMA, "model_type": "plamo3"}).tied_embeddings
    assert not from_config_json({**LLAMA, "model_type": "plamo3", "tie_word_embeddings": False}).tied_embeddings
