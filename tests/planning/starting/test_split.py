"""Which tensor-parallel sizes a model starts with, by heads, widths, groups, blocks and the version of vLLM."""

from __future__ import annotations

import pytest

from planning.architectures.hf_config import from_config_json
from planning.architectures.table import architecture
from planning.starting.split import cuts, sizes_that_start

NEW, OLD = (0, 33, 0), (0, 25, 0)


def reasons(model_id: str, size: int, version: tuple[int, int, int] = NEW, expert_parallel: bool = False) -> str:
    return "; ".join(cut.reason for cut in cuts(architecture(model_id), size, version, expert_parallel))


@pytest.mark.parametrize(
    ("model_id", "size", "words"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 8, "28 attention heads"),
        ("microsoft/phi-4", 4, "10 key-value heads"),
        ("Qwen/Qwen2.5-14B-Instruct-AWQ", 8, "13824 columns of the MLP / 8 = 1728"),
        ("Qwen/Qwen2.5-32B-Instruct-GPTQ-Int4", 16, "40 attention heads"),
        ("Qwen/Qwen3-4B-FP8", 8, "9728 columns of the MLP / 8 = 1216"),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", 8, "512 columns of the shared experts / 8 = 64"),
        ("Qwen/Qwen3.6-35B-A3B-FP8", 8, "512 columns of the shared experts / 8 = 64"),
        ("RedHatAI/Qwen3-4B-FP8-block", 8, "a block of 128 x 128"),
        ("someone/Qwen2.5-14B-Instruct-AWQ-g64", 16, "40 attention heads"),
    ],
)
def test_what_a_group_of_gpus_cannot_share_out_is_named(model_id: str, size: int, words: str) -> None:
    assert words in reasons(model_id, size)


@pytest.mark.parametrize(
    ("model_id", "size"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 4),
        ("Qwen/Qwen2.5-14B-Instruct", 8),  # the same widths, 16 bit
        ("Qwen/Qwen2.5-14B-Instruct-AWQ", 4),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", 8),  # its publisher padded the MLP
        ("RedHatAI/Qwen3-4B-FP8-dynamic", 8),  # one scale per channel
        ("openai/gpt-oss-120b", 8),  # its kernel pads
        ("deepseek-ai/DeepSeek-V3", 8),
        ("unsloth/Qwen2.5-14B-Instruct-bnb-4bit", 8),
    ],
)
def test_what_starts_is_not_refused(model_id: str, size: int) -> None:
    assert reasons(model_id, size) == ""


def test_experts_are_cut_finer_by_newer_versions() -> None:
    assert "1536 columns of the experts / 8 = 192" in reasons("MiniMaxAI/MiniMax-M2", 8, OLD)
    assert reasons("MiniMaxAI/MiniMax-M2", 8, (0, 29, 1)) == ""
    assert reasons("MiniMaxAI/MiniMax-M2", 8, OLD, expert_parallel=True) == ""
    assert "expert" in reasons("MiniMaxAI/MiniMax-M2", 8, (0, 28, 1))


def test_the_sizes_that_start_satisfy_every_part_at_once() -> None:
    assert sizes_that_start(architecture("Qwen/Qwen3-4B-FP8"), NEW) == [1, 2, 4]
    assert sizes_that_start(architecture("Qwen/Qwen2.5-VL-72B-Instruct-AWQ"), NEW) == [1]


CONFIG = {
    "model_type": "qwen3", "num_hidden_layers": 4, "hidden_size": 2560, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 9728, "vocab_size": 1000,
    "max_position_embeddings": 4096,
}  # fmt: skip


def with_quantization(**stated: object) -> dict[str, object]:
    return {**CONFIG, "quantization_config": stated}


@pytest.mark.parametrize(
    ("stated", "sizes"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, [1, 2, 4]),
        ({"quant_method": "fp8"}, [1, 2, 4, 8, 16]),
        ({"quant_method": "awq", "bits": 4, "group_size": 32}, [1, 2, 4, 8, 16]),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, [1, 2, 4]),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, [1, 2, 4, 8, 16]),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128}, [1, 2, 4]),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"strategy": "block", "block_structure": [128, 128]}}},
            },
            [1, 2, 4],
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}},
            },
            [1, 2, 4, 8, 16],
        ),
        (
            {
                "quant_method": "fp8",
                "weight_block_size": [128, 128],
                "modules_to_not_convert": [f"model.layers.{i}.mlp" for i in range(4)],
            },
            [1, 2, 4, 8, 16],  # attention's 4096 / 16 = 256 only
        ),
    ],
)  # fmt: skip
def test_a_pasted_config_says_its_groups_blocks_and_exceptions(stated: dict[str, object], sizes: list[int]) -> None:
    assert sizes_that_start(from_config_json(with_quantization(**stated)), NEW) == sizes


def test_a_quantization_inside_the_text_config_is_read() -> None:
    nested = {"model_type": "x", "text_config": with_quantization(quant_method="fp8", weight_block_size=[128, 128])}
    assert sizes_that_start(from_config_json(nested), NEW) == [1, 2, 4]
