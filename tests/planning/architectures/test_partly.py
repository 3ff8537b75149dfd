"""Checkpoints whose layers, experts or precision differ within one model: their sizes from what they publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planning.__main__ import main
from planning.architectures.hf_config import from_config_json
from planning.memory.engine import EngineConfig
from planning.memory.weights import weights_bytes_per_gpu
from planning.units import GIB

ENGINE = EngineConfig(8192)
LLAMA: dict[str, Any] = {
    "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}  # fmt: skip
MODELOPT = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}}


def weights_gib(config: dict[str, Any]) -> float:
    return weights_bytes_per_gpu(from_config_json(config), ENGINE) / GIB


def nas(count: int, **block: Any) -> list[dict[str, Any]]:
    usual = {"attention": {"n_heads_in_group": 8, "no_op": False}, "ffn": {"ffn_mult": 5.25, "no_op": False}}
    return [{**usual, **block} for _ in range(count)]


def test_layers_that_are_left_out_cost_neither_weights_nor_cache() -> None:
    """Like Llama-3.3-Nemotron-Super-49B: the same outer shape as the 70B model, many blocks without attention."""
    base = {**LLAMA, "num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64, "intermediate_size": None}
    none, narrow = {"no_op": True}, {"ffn_mult": 1.3125, "no_op": False}
    config = {
        **base,
        "model_type": "nemotron-nas",
        "num_key_value_heads": None,
        "block_configs": [*nas(49), *nas(31, attention=none, ffn=narrow)],
    }
    model = from_config_json(config)
    assert [(group.layers, group.kv_heads) for group in model.attention] == [(49, 8)]
    wide, thin = 28672, 7168
    mlp = 3 * 8192 * (49 * wide + 31 * thin)
    attention = 49 * (2 * 8192 * 8192 + 2 * 8192 * 8 * 128)
    assert model.linear_parameters + model.extra_parameters == mlp + attention
    assert model.parameters < 0.72 * 70.6e9


def test_widths_that_no_mean_divides_are_counted_whole() -> None:
    config = {**LLAMA, "num_hidden_layers": 3, "block_configs": [*nas(1), *nas(2, ffn={"intermediate_size": 5000})]}
    model = from_config_json(config)
    width = 14336
    assert model.dense_mlp_parameters + model.extra_parameters == 3 * 4096 * (width + 2 * 5000)


def test_latent_experts_are_as_small_as_what_they_see() -> None:
    """Like Nemotron 3 Super: experts between two projections, 1,024 wide instead of 4,096."""
    config = {
        **LLAMA, "model_type": "nemotron_h", "hybrid_override_pattern": "E*" * 16, "n_routed_experts": 512,
        "num_experts_per_tok": 22, "moe_intermediate_size": 2688, "moe_shared_expert_intermediate_size": 5376,
    }  # fmt: skip
    plain, latent = from_config_json(config), from_config_json({**config, "moe_latent_size": 1024})
    assert latent.routed_expert_parameters * 4 == plain.routed_expert_parameters
    assert latent.shared_expert_parameters - plain.shared_expert_parameters == 16 * 2 * 4096 * 1024


@pytest.mark.parametrize(("algorithm", "bytes_each"), [("NVFP4", 4.5 / 8), ("FP8", 1.0), ("W4A16_AWQ", 4.15 / 8)])
def test_modelopts_own_file_is_read(algorithm: str, bytes_each: float) -> None:
    quantized = {**MODELOPT, "quantization": {"quant_algo": algorithm, "exclude_modules": ["lm_head"]}}
    model = from_config_json({**LLAMA, "hf_quant_config": quantized})
    small = 2 * (model.embedding_parameters + model.lm_head_parameters)
    assert weights_gib({**LLAMA, "hf_quant_config": quantized}) == pytest.approx(
        (model.linear_parameters * bytes_each + small) / GIB, rel=0.02
    )


def test_modules_that_modelopt_left_alone_stay_16_bit() -> None:
    kept = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head", "model.layers.*.self_attn*"]}}
    all_of_it = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}}
    model = from_config_json({**LLAMA, "hf_quant_config": kept})
    more = weights_gib({**LLAMA, "hf_quant_config": kept}) - weights_gib({**LLAMA, "hf_quant_config": all_of_it})
    assert more == pytest.approx(model.attention_parameters * (2 - 4.5 / 8) / GIB, rel=0.01)


def test_fit_reads_the_file_beside_config_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    asked = ["fit", "acme/own", "--config", str(tmp_path / "config.json"), "--gpu", "l40s", "--max-model-len", "8192"]
    main([*asked, "--json"])
    plain = json.loads(capsys.readouterr().out)["weights_gib_per_gpu"]
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(MODELOPT), encoding="utf-8")
    main([*asked, "--json"])
    assert json.loads(capsys.readouterr().out)["weights_gib_per_gpu"] < 0.45 * plain


def test_without_its_tower_a_vision_model_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["fit", "Qwen/Qwen2.5-VL-7B-Instruct", "--gpu", "l40s", "--max-model-len", "8192", "--json"]
    main(asked)
    document = json.loads(capsys.readouterr().out)
    main([*asked, "--language-model-only"])
    text = json.loads(capsys.readouterr().out)
    assert text["weights_gib_per_gpu"] < document["weights_gib_per_gpu"] - 1
    assert text["activation_gib_per_gpu"] < document["activation_gib_per_gpu"]
