"""How a checkpoint stores quantized weights: by whose method, in groups or blocks of what size, and which parts not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

# The parts of a model whose large matrices a method may quantize, and one module of each as vLLM names it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "attention": ("self_attn.q_proj", "self_attn.o_proj"),
    "dense": ("mlp.gate_proj", "mlp.down_proj"),
    "shared": ("mlp.shared_expert.down_proj", "mlp.shared_experts.down_proj"),
    "routed": ("mlp.experts.0.gate_proj", "mlp.experts.0.up_proj", "mlp.experts.0.down_proj"),
    "recurrent": ("linear_attn.out_proj", "mixer.out_proj"),
}
# Where families call them otherwise; tried beside the names above.
_OTHER_NAMES = (
    ("mlp.", "feed_forward."),
    ("mlp.", "mixer."),
    ("mlp.experts.0.", "block_sparse_moe.experts.0."),
    ("self_attn.", "mixer."),
)
# Towers for pictures and sound have layers of their own, which are no layers of the language model.
_TOWERS = re.compile(r"visual|vision|audio|image")
_USUAL_GROUP = 128
# config.json's words -> vLLM's (layers/quantization/__init__.py and override_quantization_method of 0.33.0).
_METHODS = {
    "compressed_tensors": "compressed-tensors",
    "auto-round": "inc",
    "auto_round": "inc",
    "intel/auto-round": "inc",
    "awq_marlin": "awq",
    "auto_awq": "awq",
    "gptq_marlin": "gptq",
    "auto_gptq": "gptq",
}


@dataclass(frozen=True)
class QuantizationLayout:
    """`method` as vLLM calls it; `none`: 16 bit. `group`: inputs that share a scale, `block`: the edge of a square.

    `mlp_width`: where the publisher padded the MLP to whole groups. `unquantized`: share of the layers whose part
    (PARTS) stays 16 bit, sorted by part. `certain`: read from the checkpoint's config or known of its publisher, not
    taken from the method's habit. `activation_order`: columns are sorted by activation, so that the kernel permutes its
    inputs. `mixed`: part, format and share of its layers where a checkpoint holds several formats; the rest is 16 bit.
    """

    method: str = "none"
    group: int | None = None
    block: int | None = None
    mlp_width: int | None = None
    unquantized: tuple[tuple[str, float], ...] = ()
    certain: bool = True
    activation_order: bool = False
    mixed: tuple[tuple[str, str, float], ...] = ()

    def share_unquantized(self, part: str) -> float:
        """0: all of that part is quantized, 1: none."""
        return dict(self.unquantized).get(part, 0.0)


def layout_of_config(
    config: Mapping[str, Any], layers: int, having: Mapping[str, int] = MappingProxyType({})
) -> QuantizationLayout:
    """The layout that config.json states, at its top or in its text_config; 16 bit where it states none.

    `having`: of the `layers` those that have the part, by part.
    """
    stated = stated_quantization(config)
    if stated is None:
        return SIXTEEN_BIT
    method = str(stated.get("quant_method") or "none").lower()
    weights = first_weights(stated)
    return QuantizationLayout(
        method=_METHODS.get(method, method),
        group=_group(method, stated, weights),
        block=_block(stated, weights),
        unquantized=_kept(stated, layers, having),
        mixed=_mixed(stated, layers, having),
        activation_order=_activation_order(stated, weights),
    )


def stated_quantization(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The section of config.json that says it, wherever exporters put it."""
    text = config.get("text_config") or config.get("llm_config") or {}
    if isinstance(config.get("hf_quant_config"), Mapping):
        return _modelopt_file(config["hf_quant_config"])
    for place in (config, text):
        for key in ("quantization_config", "compression_config"):
            if isinstance(place, Mapping) and isinstance(place.get(key), Mapping):
                quantization: Mapping[str, Any] = place[key]
                return quantization
    return None


def _modelopt_file(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What ModelOpt writes into hf_quant_config.json, which vLLM reads beside config.json (model_executor/layers/
    quantization/modelopt.py, from_config)."""
    stated = content.get("quantization")
    if not isinstance(stated, Mapping) or not stated.get("quant_algo"):
        return None
    return {**stated, "quant_method": "modelopt"}


def first_weights(stated: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `weights` of the first of compressed-tensors' or ModelOpt's groups; empty where there is none."""
    groups = stated.get("config_groups")
    if not isinstance(groups, Mapping):
        return {}
    first = next((group for group in groups.values() if isinstance(group, Mapping)), {})
    weights = first.get("weights")
    return weights if isinstance(weights, Mapping) else {}


def _group(method: str, stated: Mapping[str, Any], weights: Mapping[str, Any]) -> int | None:
    if _METHODS.get(method, method) in ("awq", "gptq", "inc"):
        value = stated.get("group_size", _USUAL_GROUP)
    else:
        value = weights.get("group_size") if weights.get("strategy", "group") in ("group", "tensor_group") else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _activation_order(stated: Mapping[str, Any], weights: Mapping[str, Any]) -> bool:
    """As vLLM decides (gptq_marlin.py; compressed_tensors_wNa16.py, has_g_idx): one group needs no order."""
    if weights.get("actorder") is not None:
        return str(weights["actorder"]).lower() in ("group", "true")
    return stated.get("desc_act") is True and stated.get("group_size") != -1


def _block(stated: Mapping[str, Any], weights: Mapping[str, Any]) -> int | None:
    shape = stated.get("weight_block_size") or weights.get("block_structure")
    if isinstance(shape, list) and len(shape) == 2 and all(type(key) is int and key > 0 for key in shape):
        return int(max(shape))
    return None


def _kept(stated: Mapping[str, Any], layers: int, having: Mapping[str, int]) -> tuple[tuple[str, float], ...]:
    """By part the share of layers whose modules the checkpoint's own lists leave in 16 bit."""
    entries = [entry for entry in _ignored(stated) if not _TOWERS.search(entry)]
    if not entries:
        return ()
    exact = {_from_layers(entry) for entry in entries if not _is_pattern(entry)}
    patterns = [entry for entry in entries if _is_pattern(entry) or "layers." not in entry]
    shares = {}
    for part, modules in PARTS.items():
        kept = sum(_is_kept(index, modules, exact, patterns) for index in range(layers))
        if kept:
            shares[part] = min(1.0, kept / max(1, having.get(part, layers)))
    return tuple(sorted(shares.items()))


# ModelOpt's words for a module's format (quantization/modelopt.py of vLLM 0.33) -> planning/memory/weights.py.
_ALGORITHMS = {
    **dict.fromkeys(("NVFP4", "NVFP4_AWQ", "W4A16_NVFP4"), "nvfp4"),
    **dict.fromkeys(("FP8", "FP8_PER_CHANNEL_PER_TOKEN", "FP8_PB_WO", "MXFP8"), "fp8"),
    **dict.fromkeys(("W4A16_AWQ", "W4A8_AWQ"), "awq"),
}


def _mixed(stated: Mapping[str, Any], layers: int, having: Mapping[str, int]) -> tuple[tuple[str, str, float], ...]:
    """ModelOpt's MIXED_PRECISION: each module's own format."""
    listed = _mapping(stated.get("quantized_layers"))
    modules = {_from_layers(name): str(_mapping(of).get("quant_algo")) for name, of in listed.items()}
    shares: dict[tuple[str, str], float] = {}
    for part, names in PARTS.items():
        for index in range(layers):
            own = [modules[name] for name in _names(index, names) if name in modules]
            for algorithm in own[:1]:
                if algorithm not in _ALGORITHMS:
                    raise ValueError(f"{algorithm[:40]} is a format of weights that is not known here")
                key = part, _ALGORITHMS[algorithm]
                shares[key] = shares.get(key, 0) + 1 / max(1, having.get(part, layers))
    return tuple((part, stored, min(1.0, share)) for (part, stored), share in sorted(shares.items()))


def _names(index: int, modules: Iterable[str]) -> set[str]:
    """Under what names a checkpoint may list a layer's modules."""
    names = {f"layers.{index}.{module}" for module in modules}
    for usual, other in _OTHER_NAMES:
        names |= {f"layers.{index}.{other}{module[len(usual) :]}" for module in modules if module.startswith(usual)}
    return names


def _ignored(stated: Mapping[str, Any]) -> Iterator[str]:
    for key in ("ignore", "ignored_layers", "modules_to_not_convert", "exclude_modules", "llm_int8_skip_modules"):
        listed = stated.get(key)
        if isinstance(listed, list):
            yield from (pattern for pattern in listed if isinstance(pattern, str) and pattern)
    # GPTQModel: a rule that begins with `-:` leaves what it matches alone; auto-round: 16 bits for a module.
    for key in _mapping(stated.get("dynamic")):
        if key.startswith("-:"):
            yield "re:" + key[2:]
    for key, value in _mapping(stated.get("extra_config")).items():
        if _mapping(value).get("bits") == 16:
            yield key


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_pattern(entry: str) -> bool:
    return entry.startswith("re:") or "*" in entry


def _from_layers(name: str) -> str:
    """`model.language_model.layers.0.mlp` and `model.layers.0.mlp` are the same module."""
    at = name.find("layers.")
    return name[at:] if at >= 0 else name


def _is_kept(index: int, modules: Iterable[str], exact: set[str], patterns: list[str]) -> bool:
    names = _names(index, modules)
    return any(_listed(name, exact) or any(_matches(name, entry) for entry in patterns) for name in names)


def _listed(name: str, exact: set[str]) -> bool:
    """A list names a module or one that holds it."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in exact for length in range(2, len(parts) + 1))


def _matches(name: str, entry: str) -> bool:
    full_name = f"model.{name}"
    if entry.startswith("re:"):
        try:
            return re.match(entry[3:], full_name) is not None or re.match(entry[3:], name) is not None
        except re.error:
            return False
    if "*" in entry:
        return any(
            fnmatchcase(name_in_list, entry) for name_in_list in (full_name, name, f"model.language_{full_name}")
        )
    return f".{entry}." in f".{name}."


SIXTEEN_BIT = QuantizationLayout()
