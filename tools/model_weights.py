"""Makes tests/reference/data/model_weights.jsonl: config.json files and the weights that transformers makes of each.

Runs in an environment that has torch and transformers (the real engine's has: `make engine`); takes no memory, since
models are made on torch's meta device:

    ENGINE/bin/python tools/model_weights.py < planning/facts/model_classes.csv > /tmp/model_weights.jsonl

Of each class that we compute and transformers has, its default configuration and, where that can be made, one that is
bent: other heads, experts, leading dense layers, embeddings tied or not. Those it lacks are named on stderr.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

# What a default configuration lacks, so that a model can be made of it.
_NEEDED: dict[str, dict[str, Any]] = {
    "HunYuanMoEV1ForCausalLM": {"num_experts": 8, "moe_topk": 2, "head_dim": 128},
    "HunYuanDenseV1ForCausalLM": {"head_dim": 128},
    "Lfm2ForCausalLM": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 4, "num_hidden_layers": 16},
    "Lfm2MoeForCausalLM": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 6, "num_hidden_layers": 24},
    "MiniCPM3ForCausalLM": {"pad_token_id": 0},
}
_BENT: dict[str, Any] = {
    "num_hidden_layers": lambda value: value - value % 4 - 4,
    "num_key_value_heads": lambda value: max(1, value // 2),
    "num_experts": lambda value: value // 2,
    "num_local_experts": lambda value: value // 2,
    "n_routed_experts": lambda value: value // 2,
    "moe_intermediate_size": lambda value: value * 2,
    "first_k_dense_replace": lambda value: value + 1,
    "num_dense_layers": lambda value: value + 1,
    "n_shared_experts": lambda value: value + 1,
    "num_shared_experts": lambda value: value + 1,
    "tie_word_embeddings": lambda value: not value,
    "vocab_size": lambda value: value // 2,
}


def _gemma4(layers: int, shared: int, every: int, **sizes: Any) -> dict[str, Any]:
    """Gemma 4's text as its files write it (transformers' own defaults spell a layer's head_dim by layer)."""
    types = (["sliding_attention"] * (every - 1) + ["full_attention"]) * (layers // every)
    return {
        "head_dim": 256, "global_head_dim": 512, "num_kv_shared_layers": shared, "sliding_window": 512,
        "layer_types": types, "num_hidden_layers": layers, "vocab_size": 262144, "vocab_size_per_layer_input": 262144,
        "tie_word_embeddings": True, "max_position_embeddings": 131072, "num_attention_heads": 8, **sizes,
    }  # fmt: skip


_E2B = _gemma4(
    35, 20, 5, model_type="gemma4_text", hidden_size=1536, intermediate_size=6144, num_key_value_heads=1,
    hidden_size_per_layer_input=256, use_double_wide_mlp=True,
)  # fmt: skip
_E4B = _gemma4(
    42, 18, 6, model_type="gemma4_text", hidden_size=2560, intermediate_size=10240, num_key_value_heads=2,
    hidden_size_per_layer_input=256,
)  # fmt: skip
_TWELVE = _gemma4(
    48, 0, 6, model_type="gemma4_unified_text", hidden_size=3840, intermediate_size=15360, num_key_value_heads=8,
    num_global_key_value_heads=1, attention_k_eq_v=True,
)  # fmt: skip
# Written configurations by class: the text as it stands here, towers as transformers makes them by default.
_WRITTEN: dict[str, list[dict[str, Any]]] = {
    "Gemma4ForConditionalGeneration": [
        {"text_config": text, "vision_config": {}, "audio_config": {}} for text in (_E2B, _E4B)
    ],
    "Gemma4ForCausalLM": [_E2B, _E4B],
    "Gemma4UnifiedForConditionalGeneration": [{"text_config": _TWELVE, "vision_config": {}, "audio_config": {}}],
}
# Its code in transformers ties nothing and counts one shared expert, whatever its configuration says.
_NOT_BENT = frozenset({"NemotronHForCausalLM"})
_LISTS = ("layer_types", "mlp_layer_types", "num_attention_heads_per_layer", "indexer_types", "layers_block_type")
_PLAIN = (int, float, str, bool, list)
# Settings of how text is generated or trained, in every configuration and without weights.
_NOISE = ("id2label", "label2id", "base_model_tp_plan", "transformers_version", "_name_or_path", "dtype")


def plain(config: Any) -> dict[str, Any]:
    """As it would stand in config.json, without what is empty."""
    made = config.to_dict()
    return {key: _value(value) for key, value in made.items() if key not in _NOISE and value not in (None, [], {})}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _value(v) for k, v in value.items() if k not in _NOISE and v not in (None, [], {})}
    return value if isinstance(value, _PLAIN) else str(value)


def bent(settings: dict[str, Any]) -> dict[str, Any]:
    """Another model of the same class."""
    changed = {key: bend(settings[key]) for key, bend in _BENT.items() if type(settings.get(key)) in (int, bool)}
    layers = changed.get("num_hidden_layers")
    lists = {key: settings[key][:layers] for key in _LISTS if layers and isinstance(settings.get(key), list)}
    return {**settings, **changed, **lists}


def _tied(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: settings[key] for key in ("tie_word_embeddings",) if key in settings}


def counted(kind: Any, config: Any) -> tuple[int, int]:
    """Weights of the language model and of towers."""
    import torch

    with torch.device("meta"):
        model = kind(config)
    text = tower = 0
    for name, weight in model.named_parameters():
        if any(
            word in name
            for word in ("vision", "visual", "audio", "projector", "connector", "embed_vision", "model.merger")
        ):
            tower += weight.numel()
        else:
            text += weight.numel()
    return text, tower


def written(name: str, kind: Any) -> Iterator[dict[str, Any]]:
    """Of the configurations above, as a file has them."""
    for number, settings in enumerate(_WRITTEN.get(name, []), 1):
        config = kind.config_class.from_dict(settings)
        text, tower = counted(kind, config)
        stated = {**plain(config), "architectures": [name]}
        stated = {**stated, "text_config": settings["text_config"]} if "text_config" in settings else {
            **settings, "architectures": [name]}  # fmt: skip
        yield {"variant": f"written {number}", "weights": text, "tower": tower, "config": stated}


def rows(names: list[str]) -> Iterator[dict[str, Any]]:
    """One per class and configuration."""
    import transformers

    for name in names:
        kind = getattr(transformers, name, None)
        if kind is None:
            print(f"{name}: not in transformers", file=sys.stderr)
            continue
        yield from written(name, kind)
        for variant in ("default", "bent"):
            if variant == "bent" and name in _NOT_BENT:
                continue
            try:
                settings = {**kind.config_class().to_dict(), **_NEEDED.get(name, {})}
                if variant == "bent":
                    inner = settings.get("text_config")
                    # Which of two `tie_word_embeddings` counts differs by class: only one is bent.
                    settings = {**settings, "text_config": {**bent(inner), **_tied(inner)}} if inner else bent(settings)
                config = kind.config_class.from_dict(settings)
                text, tower = counted(kind, config)
            except Exception as problem:  # a class that cannot be made of its own defaults tells nothing
                print(f"{name} {variant}: {type(problem).__name__}: {str(problem)[:100]}", file=sys.stderr)
                continue
            yield {
                "variant": variant, "weights": text, "tower": tower,
                "config": {**plain(config), "architectures": [name]},
            }  # fmt: skip


def main() -> None:
    """Reads the table of classes from standard input."""
    table = csv.DictReader(line for line in sys.stdin if not line.startswith("#"))
    for row in rows([each["class"] for each in table if each["state"] != "unknown"]):
        print(json.dumps(row, sort_keys=True))


if __name__ == "__main__":
    main()
