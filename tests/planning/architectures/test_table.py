"""Model shapes: parameter counts that the Hub states, names people use, config.json."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.table import UnknownModel, architecture, architectures, from_config_json
from planning.facts import json_table
from tests.reference_data import DATA

ROWS: dict[str, Any] = json_table("architectures.json")["models"]

LLAMA_3_1_8B = {
    "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip
QWEN_2_5_7B = {
    "model_type": "qwen2", "num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944,
    "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "max_position_embeddings": 32768,
    "tie_word_embeddings": False, "sliding_window": 131072, "use_sliding_window": False,
}  # fmt: skip
QWEN_3_30B = {
    "model_type": "qwen3_moe", "num_hidden_layers": 48, "hidden_size": 2048, "intermediate_size": 6144,
    "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960,
    "tie_word_embeddings": False, "decoder_sparse_step": 1, "mlp_only_layers": [],
}  # fmt: skip
GPT_OSS_20B = {
    "model_type": "gpt_oss", "num_hidden_layers": 24, "hidden_size": 2880, "intermediate_size": 2880,
    "num_local_experts": 32, "num_experts_per_tok": 4, "num_attention_heads": 64, "num_key_value_heads": 8,
    "head_dim": 64, "vocab_size": 201088, "max_position_embeddings": 131072, "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12, "attention_bias": True,
    "tie_word_embeddings": False, "quantization_config": {"quant_method": "mxfp4"},
}  # fmt: skip
DEEPSEEK_V2_LITE = {
    "model_type": "deepseek_v2", "num_hidden_layers": 27, "hidden_size": 2048, "intermediate_size": 10944,
    "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6,
    "first_k_dense_replace": 1, "num_attention_heads": 16, "num_key_value_heads": 16, "kv_lora_rank": 512,
    "q_lora_rank": None, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
    "vocab_size": 102400, "max_position_embeddings": 163840,
}  # fmt: skip
GEMMA_3_4B = {
    "model_type": "gemma3",
    "text_config": {
        "model_type": "gemma3_text", "num_hidden_layers": 34, "hidden_size": 2560, "intermediate_size": 10240,
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208,
        "max_position_embeddings": 131072, "sliding_window": 1024,
    },
    "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27, "intermediate_size": 4304, "image_size": 896},
}  # fmt: skip
QWEN_3_5_27B = {
    "model_type": "qwen3_5",
    "text_config": {
        "model_type": "qwen3_5_text", "num_hidden_layers": 64, "hidden_size": 5120, "intermediate_size": 17408,
        "num_attention_heads": 24, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 248320,
        "max_position_embeddings": 262144, "full_attention_interval": 4, "linear_num_key_heads": 16,
        "linear_num_value_heads": 48, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
        "linear_conv_kernel_dim": 4, "mamba_ssm_dtype": "float32", "rope_parameters": {"partial_rotary_factor": 0.25},
    },
    "vision_config": {
        "hidden_size": 1152, "depth": 27, "intermediate_size": 4304, "patch_size": 16, "spatial_merge_size": 2,
    },
    "tie_word_embeddings": False,
}  # fmt: skip
CONFIGS = [
    ("meta-llama/Llama-3.1-8B", LLAMA_3_1_8B),
    ("Qwen/Qwen2.5-7B", QWEN_2_5_7B),
    ("Qwen/Qwen3-30B-A3B", QWEN_3_30B),
    ("openai/gpt-oss-20b", GPT_OSS_20B),
    ("deepseek-ai/DeepSeek-V2-Lite", DEEPSEEK_V2_LITE),
    ("google/gemma-3-4b-it", GEMMA_3_4B),
    ("Qwen/Qwen3.5-27B", QWEN_3_5_27B),
]


@pytest.mark.parametrize("model_id", [m for m, row in ROWS.items() if row.get("published_billion")])
def test_a_shape_reproduces_the_published_parameter_count(model_id: str) -> None:
    published = ROWS[model_id]["published_billion"]
    computed = architectures()[model_id].parameters / 1e9
    if "not_loaded" in ROWS[model_id]:
        assert 0.96 * published < computed < published
    else:
        assert computed == pytest.approx(published, rel=0.0006)


@pytest.mark.parametrize(
    ("name", "base", "quantization"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B", "none"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.1-70B", "fp8"),
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "meta-llama/Llama-3.1-8B", "awq"),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", "meta-llama/Llama-3.1-70B", "int8"),
        ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w4a16", "Qwen/Qwen2.5-7B", "gptq"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "Qwen/Qwen2.5-7B", "int8"),
        ("Qwen2.5-Coder-14B-Instruct-AWQ", "Qwen/Qwen2.5-14B", "awq"),
        ("unsloth/phi-4-unsloth-bnb-4bit", "microsoft/phi-4", "bitsandbytes"),
        ("mistralai/Ministral-3-14B-Instruct-2512", "mistralai/Ministral-3-14B-Instruct-2512", "fp8"),
        ("mistralai/Ministral-3-14B-Instruct-2512-BF16", "mistralai/Ministral-3-14B-Instruct-2512", "none"),
        ("someone/Dolphin3.0-Llama-3.1-8B", "meta-llama/Llama-3.1-8B", "none"),
        ("openai/gpt-oss-20b", "openai/gpt-oss-20b", "mxfp4"),
        ("google/gemma-3-27b-it", "google/gemma-3-27b", "none"),
    ],
)
def test_a_build_resolves_to_its_base_and_quantization(name: str, base: str, quantization: str) -> None:
    actual, expected = architecture(name), architectures()[base]
    assert (actual.layers, actual.hidden_size, actual.parameters) == (
        expected.layers,
        expected.hidden_size,
        expected.parameters,
    )
    assert actual.native_quantization == quantization
    assert actual.model_id == name


@pytest.mark.parametrize(
    "name",
    [
        "microsoft/Phi-4-multimodal-instruct",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "nvidia/Llama-3.1-Minitron-4B-Width",
        "yuhuili/EAGLE3-LLaMA3.1-Instruct-8B",
        "Qwen/Qwen3-Embedding-8B",
        "no-such/model",
    ],
)
def test_a_name_that_may_mean_another_shape_is_not_guessed(name: str) -> None:
    with pytest.raises(UnknownModel) as raised:
        architecture(name)
    assert name in str(raised.value)
    assert "config.json" in str(raised.value)


def test_a_misspelt_name_gets_the_nearest_ids() -> None:
    with pytest.raises(UnknownModel) as raised:
        architecture("Qwen/Qwen2.5-7")
    assert "Qwen/Qwen2.5-7B" in raised.value.suggestions


def test_only_the_owners_repository_is_gated() -> None:
    assert architecture("meta-llama/Llama-3.1-8B-Instruct").gated
    assert not architecture("unsloth/Meta-Llama-3.1-8B-Instruct").gated
    assert not architecture("Qwen/Qwen3-8B").gated


@pytest.mark.parametrize(("model_id", "config"), CONFIGS)
def test_a_config_json_gives_the_same_shape_as_the_table(model_id: str, config: dict[str, Any]) -> None:
    read, table = from_config_json(config), architecture(model_id)
    # A vision tower's size is estimated from its width and depth.
    assert read.parameters == pytest.approx(table.parameters, rel=0.002 if table.vision_parameters else 0.0001)
    assert read.linear_parameters == table.linear_parameters
    assert set(read.attention) == set(table.attention)
    assert (read.recurrent, read.latent, read.experts) == (table.recurrent, table.latent, table.experts)
    assert read.tied_embeddings == table.tied_embeddings
    assert read.native_quantization == table.native_quantization
    assert read.max_position_embeddings == table.max_position_embeddings


def test_a_config_json_without_layers_says_what_is_missing() -> None:
    with pytest.raises(UnreadableConfig, match="num_hidden_layers"):
        from_config_json({"model_type": "llama", "hidden_size": 4096})


def test_compressed_tensors_are_told_apart_by_bits_and_type() -> None:
    def method(bits: int, kind: str) -> str:
        groups = {"group_0": {"weights": {"num_bits": bits, "type": kind}}}
        stated = {"quant_method": "compressed-tensors", "config_groups": groups}
        return from_config_json({**LLAMA_3_1_8B, "quantization_config": stated}).native_quantization

    assert [method(4, "int"), method(8, "int"), method(8, "float"), method(4, "float")] == [
        "gptq", "int8", "fp8", "nvfp4",
    ]  # fmt: skip


def test_every_model_of_the_reference_list_is_known_and_agrees() -> None:
    rows = list(csv.DictReader((DATA / "models.csv").read_text().splitlines()))
    assert len(rows) == 76
    for row in rows:
        actual = architecture(row["hf_id"])
        assert actual.layers == int(row["num_layers"]), row["hf_id"]
        assert actual.hidden_size == int(row["hidden_size"]), row["hf_id"]
        assert actual.attention_heads == int(row["num_attention_heads"]), row["hf_id"]
        if row["max_position_embeddings"]:
            assert actual.max_position_embeddings == int(row["max_position_embeddings"]), row["hf_id"]
        if row["tie_word_embeddings"]:
            assert actual.tied_embeddings == (row["tie_word_embeddings"] == "1"), row["hf_id"]
        grown = sum(2 * g.layers * g.kv_heads * g.head_dim * 2 for g in actual.attention if g.window is None)
        # The list counts Olmo 3 as full attention; its config.json has a window on three layers of four.
        if row["kv_bytes_per_token_bf16_calc"] and actual.latent is None and "Olmo-3" not in row["hf_id"]:
            assert grown == int(row["kv_bytes_per_token_bf16_calc"]), row["hf_id"]
