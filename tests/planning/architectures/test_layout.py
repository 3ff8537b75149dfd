"""How a checkpoint is quantized, as its config.json says: which parts stay 16 bit, and what that weighs."""

from __future__ import annotations

import pytest

from planning.architectures.builds import layout_of_name
from planning.architectures.hf_config import from_config_json
from planning.architectures.layout import layout_of_config
from planning.memory.engine import EngineConfig
from planning.memory.weights import checkpoint_bytes, weights_bytes_per_gpu
from tests.planning.starting.test_split import CONFIG

ENGINE = EngineConfig(max_model_len=1024)


def shares(**stated: object) -> dict[str, float]:
    return dict(layout_of_config({"quantization_config": stated}, 4).unquantized)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"quant_method": "compressed-tensors", "ignore": ["lm_head"]}, {}),
        ({"quant_method": "compressed-tensors", "ignore": ["lm_head", "re:.*self_attn.*"]}, {"attention": 1.0}),
        ({"quant_method": "modelopt", "exclude_modules": ["model.layers.0.self_attn*"]}, {"attention": 0.25}),
        ({"quant_method": "fp8", "modules_to_not_convert": ["model.layers.3.mlp.down_proj"]}, {"dense": 0.25}),
        (
            {"quant_method": "fp8", "ignored_layers": ["model.language_model.layers.1.self_attn.q_proj"]},
            {"attention": 0.25},
        ),
        ({"quant_method": "gptq", "dynamic": {"-:.*mlp.shared_expert.*": {}}}, {"shared": 1.0}),
        (
            {"quant_method": "auto-round", "extra_config": {"model.layers.2.self_attn.q_proj": {"bits": 16}}},
            {"attention": 0.25},
        ),
        ({"quant_method": "awq", "modules_to_not_convert": ["visual", "self_attn"]}, {"attention": 1.0}),
        ({"quant_method": "awq", "modules_to_not_convert": ["visual.blocks.0.mlp", "vision.layers.0.self_attn"]}, {}),
        ({"quant_method": "fp8", "ignored_layers": ["re:(", 7, None]}, {}),
    ],
)  # fmt: skip
def test_lists_of_exceptions_are_read_however_exporters_call_them(
    stated: dict[str, object], expected: dict[str, float]
) -> None:
    assert shares(**stated) == expected


def test_parts_that_stay_16_bit_weigh_twice_as_much() -> None:
    whole = from_config_json({**CONFIG, "quantization_config": {"quant_method": "fp8"}})
    partly = from_config_json(
        {**CONFIG, "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["self_attn"]}}
    )
    assert partly.layout.share_unquantized("attention") == 1
    more = checkpoint_bytes(partly, ENGINE) - checkpoint_bytes(whole, ENGINE)
    assert more == pytest.approx(partly.attention_parameters, rel=0.001)
    assert weights_bytes_per_gpu(partly, ENGINE) > weights_bytes_per_gpu(whole, ENGINE) + 0.99 * more


def test_small_groups_have_more_scales() -> None:
    def stored(group: int) -> int:
        stated = {"quant_method": "awq", "bits": 4, "group_size": group}
        return checkpoint_bytes(from_config_json({**CONFIG, "quantization_config": stated}), ENGINE)

    assert stored(32) > 1.03 * stored(128)


@pytest.mark.parametrize(
    ("model_id", "stored", "method"),
    [
        ("bartowski/Qwen2.5-7B-Instruct-GGUF", "none", "gguf"),
        ("mlx-community/Qwen2.5-7B-Instruct-4bit", "none", "mlx"),
        ("unsloth/Qwen2.5-7B-Instruct-bnb-4bit", "bitsandbytes", "bitsandbytes"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "fp8", "compressed-tensors"),
        ("Qwen/Qwen3-32B-FP8", "fp8", "fp8"),
        ("nvidia/Llama-3.3-70B-Instruct-FP4", "nvfp4", "modelopt"),
    ],
)
def test_names_of_builds_say_the_format_and_the_method(model_id: str, stored: str, method: str) -> None:
    named = layout_of_name(model_id)
    assert named is not None
    assert (named[0], named[1].method) == (stored, method)


def test_a_method_nobody_knows_is_kept_for_the_refusal_and_counted_as_16_bit() -> None:
    architecture = from_config_json({**CONFIG, "quantization_config": {"quant_method": "hqq"}})
    assert (architecture.native_quantization, architecture.layout.method) == ("none", "hqq")
