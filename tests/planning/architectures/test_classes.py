"""Every class that vLLM registers is computed or refused by name; nothing is wrong in silence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.plausible import described_config
from planning.facts import json_table, rows
from tools.model_classes import NEW, registered, table

CLASSES = {row["class"]: row for row in rows("model_classes.csv")}
PUBLISHED = json_table("architectures.json")["models"]
PLAIN: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
REGISTRY = """
_TEXT_GENERATION_MODELS = {
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
    "BrandNewForCausalLM": ("new", "BrandNewForCausalLM"),
}
_EMBEDDING_MODELS = {"BertModel": ("bert", "BertModel")}
_MULTIMODAL_MODELS = {"LlavaForConditionalGeneration": ("llava", "Llava"), "LlamaForCausalLM": ("llama", "again")}
"""


# By a key that a class is refused without (column `needs`): the keys that come with it.
NEEDED = {"kv_lora_rank": {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128}}


def test_each_class_has_a_state_and_says_why() -> None:
    assert len(CLASSES) > 250
    assert {row["state"] for row in CLASSES.values()} == {"exact", "approximate", "unknown"}
    assert all(row["why"] for row in CLASSES.values())
    counted = Counter((row["kind"], row["state"]) for row in CLASSES.values())
    print("\nclasses of vLLM 0.33:", ", ".join(f"{kind} {state} {n}" for (kind, state), n in sorted(counted.items())))


def test_exact_names_a_model_whose_published_weights_the_shape_reproduces() -> None:
    """That it does is test_table.py's, for every row with a published number."""
    for name, row in CLASSES.items():
        if row["state"] == "exact":
            assert PUBLISHED[row["why"]].get("published_billion"), name


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_unknown_is_refused_by_name_and_what_is_known_is_read(name: str) -> None:
    config = {**PLAIN, "architectures": [name]}
    for key in CLASSES[name]["needs"].split():
        with pytest.raises(UnreadableConfig, match=f"has no .*{key}.*{name}"):
            described_config(config)
        config |= NEEDED[key]
    if CLASSES[name]["state"] != "unknown":
        assert described_config(config).layers == 16
        return
    with pytest.raises(UnreadableConfig, match=rf"{name} is a class.*architecture"):
        described_config(config)


def test_a_class_that_vllm_does_not_register_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnreadableConfig, match=r"LlamaForCasualLM.*did you mean LlamaForCausalLM"):
        described_config({**PLAIN, "architectures": ["LlamaForCasualLM"]})
    with pytest.raises(UnreadableConfig, match="BertModel"):
        described_config({**PLAIN, "architectures": ["BertModel"]})


def test_a_config_that_names_no_class_is_read_by_its_keys() -> None:
    assert described_config(PLAIN).layers == 16
    assert described_config({**PLAIN, "architectures": []}).layers == 16


def test_a_class_that_is_new_in_the_registry_is_unknown_and_states_are_kept() -> None:
    assert dict(registered(REGISTRY))["LlamaForCausalLM"] == "text"
    made = table(REGISTRY, {"LlamaForCausalLM": ("exact", "because", "kv_lora_rank"), "Gone": ("exact", "was", "")})
    assert made == [
        ("BrandNewForCausalLM", "text", *NEW),
        ("LlamaForCausalLM", "text", "exact", "because", "kv_lora_rank"),
        ("LlavaForConditionalGeneration", "multimodal", *NEW),
    ]
