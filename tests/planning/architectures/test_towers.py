"""Towers of pasted config.json files against the weights that transformers makes of them (default configurations)."""

from __future__ import annotations

from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.hf_config import from_config_json
from planning.architectures.vision import tower_parameters

QWEN2 = {"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "mlp_ratio": 4, "spatial_merge_size": 2}
QWEN25 = {"depth": 32, "hidden_size": 3584, "intermediate_size": 3420, "spatial_merge_size": 2}
QWEN3 = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "spatial_merge_size": 2}
PIXTRAL = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
GLM = {"depth": 24, "hidden_size": 1536, "intermediate_size": 13696, "out_hidden_size": 4096, "spatial_merge_size": 2}
SIGLIP = {"hidden_size": 1152, "intermediate_size": 4096, "num_hidden_layers": 27}


@pytest.mark.parametrize(
    ("vision", "hidden", "weights"),
    [
        ({**QWEN2, "model_type": "qwen2_vl_vision"}, 3584, 675_759_104),
        ({**QWEN25, "model_type": "qwen2_5_vl_vision"}, 3584, 3_083_025_152),
        ({**QWEN3, "model_type": "qwen3_vl_vision", "deepstack_visual_indexes": [8, 16, 24]}, 3584, 566_949_104),
        ({**PIXTRAL, "model_type": "pixtral"}, 5120, 438_958_080),
        ({**GLM, "model_type": "glm4v_vision"}, 4096, 892_498_432),
        ({**SIGLIP, "model_type": "siglip_vision_model"}, 2048, 401_858_816),
    ],
)
def test_a_tower_has_the_weights_that_transformers_makes(vision: dict[str, Any], hidden: int, weights: int) -> None:
    assert tower_parameters(vision, hidden) == pytest.approx(weights, rel=0.08)


DECODER: dict[str, Any] = {
    "model_type": "glm4_moe_lite",
    "hidden_size": 2048,
    "intermediate_size": 10240,
    "moe_intermediate_size": 1536,
    "n_routed_experts": 64,
    "n_shared_experts": 1,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 4,
    "num_attention_heads": 20,
    "vocab_size": 1000,
}


def test_layers_that_are_named_dense_have_no_experts() -> None:
    named = from_config_json({**DECODER, "mlp_layer_types": ["dense", "sparse", "sparse", "sparse"]})
    assert named.experts is not None
    assert (named.dense_mlp_layers, named.experts.layers) == (1, 3)


def test_embeddings_of_each_layer_are_refused_not_left_out() -> None:
    with pytest.raises(UnreadableConfig, match="hidden_size_per_layer_input"):
        from_config_json({**DECODER, "hidden_size_per_layer_input": 256})
