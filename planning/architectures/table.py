"""Model architectures by Hugging Face id: a table, and config.json for models outside it.

Ids of quantized builds, re-uploads and fine-tunes resolve to the base model's shape: `RedHatAI/Llama-3.3-70B-
Instruct-FP8-dynamic` is Llama 3.3 70B with FP8 weights. A name that carries a word that may mean another shape
(`vision`, `omni`, another size) does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any

from planning.architectures.builds import layout_of_name
from planning.architectures.hf_config import from_config_json
from planning.architectures.layout import QuantizationLayout
from planning.architectures.shape import (
    Architecture,
    AttentionLayers,
    Experts,
    Indexer,
    LatentAttention,
    RecurrentLayers,
)
from planning.architectures.vision import VisionShape
from planning.facts import json_table

__all__ = ["Architecture", "UnknownModel", "architecture", "architectures", "from_config_json"]

# Words of a model name that say how it was tuned or packed, not how it is built.
_PACKING_WORDS = (
    "instruct chat it hf base meta bnb 4bit 8bit awq gptq int4 int8 fp8 dynamic quantized w4a16 w8a8 w8a16 a16 bf16 "
    "fp16 unsloth g128 128g g32 marlin mxfp4 nvfp4 autoround auto round qat ct block per tensor kv gguf preview latest "
    "quant sym nf4 fp4 class 1m"
)
_PACKING = frozenset(_PACKING_WORDS.split())
# Words that may mean another shape than the rest of the name says.
_SHAPE_CHANGING = (
    "vl vision multimodal omni audio embedding embed reranker reward moe mini small medium large lite nano tiny "
    "micro draft eagle eagle3 speculator mtp vlm guard pruned minitron"
)
_SHAPE_WORDS = frozenset(_SHAPE_CHANGING.split())
_KNOWN_WORDS = tuple(sorted(word for word in _PACKING | _SHAPE_WORDS if len(word) > 4))
_SIZE = re.compile(r"(\d+x)?\d+(\.\d+)?[bm]|a\d+(\.\d+)?b|\d+e")


class UnknownModel(LookupError):
    """No such model in the table; `suggestions` are the nearest ids."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        self.name = name
        self.suggestions = suggestions
        nearest = f"did you mean {' or '.join(suggestions)}? " if suggestions else ""
        super().__init__(
            f"no model {name!r} in the catalogue; {nearest}For a model outside the catalogue hand over its config.json"
        )


def architecture(model_id: str) -> Architecture:
    """The shape of a Hugging Face model id, quantized build or fine-tune; raises UnknownModel."""
    base = _exact(model_id) or _contained(model_id)
    if base is None or _mistyped_owner(model_id, base):
        raise UnknownModel(model_id, _nearest(model_id))
    named = layout_of_name(model_id)
    # A third party's mirror asks for no licence click.
    gated = base.gated and model_id.split("/")[0] == base.model_id.split("/")[0]
    padded = named[1].mlp_width if named is not None else None
    return replace(
        base,
        model_id=model_id,
        intermediate_size=padded or base.intermediate_size,
        gated=gated,
        native_quantization=base.native_quantization if named is None else named[0],
        layout=base.layout if named is None else named[1],
    )


@cache
def architectures() -> Mapping[str, Architecture]:
    """The table: every base model by its id."""
    models: dict[str, Any] = json_table("architectures.json")["models"]
    return MappingProxyType({model_id: _from_row(model_id, row) for model_id, row in models.items()})


def _exact(model_id: str) -> Architecture | None:
    return architectures().get(_stems().get(_words(model_id), ""))


def _contained(model_id: str) -> Architecture | None:
    """The base model whose name is the longest run of words in this one, if the other words are harmless."""
    words = _words(model_id)
    for length in range(len(words) - 1, 1, -1):
        for start in range(len(words) - length + 1):
            stem = _stems().get(words[start : start + length])
            if stem is None:
                continue
            rest = words[:start] + words[start + length :]
            if any(word in _SHAPE_WORDS or _SIZE.fullmatch(word) or _mistyped(word) for word in rest):
                return None
            return architectures()[stem]
    return None


@cache
def _mistyped(word: str) -> bool:
    """Whether it looks like a word that we know with a letter wrong, as `instrct`; `coder` or `tulu` do not."""
    return len(word) > 4 and bool(get_close_matches(word, _KNOWN_WORDS, n=1, cutoff=0.8))


def _mistyped_owner(model_id: str, base: Architecture) -> bool:
    """Whether the owner's name is nearly, but not quite, that of the base model's: `meta-lama`."""
    owner, known = model_id.split("/")[0].lower(), base.model_id.split("/")[0].lower()
    return "/" in model_id and owner != known and SequenceMatcher(None, owner, known).ratio() >= 0.85


@cache
def _stems() -> Mapping[tuple[str, ...], str]:
    stems: dict[tuple[str, ...], str] = {}
    for model_id, row in json_table("architectures.json")["models"].items():
        for name in (model_id, *row.get("also", ())):
            stems.setdefault(_words(name), model_id)
    return stems


def _words(model_id: str) -> tuple[str, ...]:
    name = model_id.split("/")[-1].lower().replace("_", "-").replace("quantized.", "")
    return tuple(word for word in name.split("-") if word and word not in _PACKING)


def _nearest(model_id: str) -> tuple[str, ...]:
    words_of_id = " ".join(_words(model_id))
    by_words = {" ".join(words): model for words, model in _stems().items()}
    return tuple(dict.fromkeys(by_words[m] for m in get_close_matches(words_of_id, by_words, n=3, cutoff=0.5)))


_PARTS: tuple[tuple[str, Any], ...] = (
    ("latent", LatentAttention),
    ("indexer", Indexer),
    ("experts", Experts),
    ("recurrent", RecurrentLayers),
    ("vision", VisionShape),
)


def _from_row(model_id: str, row: Mapping[str, Any]) -> Architecture:
    plain = {k: v for k, v in row.items() if k not in {"also", "attention", "published_billion", "not_loaded"}}
    for key, kind in _PARTS:
        if key in plain:
            plain[key] = kind(**plain[key])
    if "layout" in plain:
        stated: dict[str, Any] = {
            k: tuple(map(tuple, v)) if isinstance(v, list) else v for k, v in plain["layout"].items()
        }
        plain["layout"] = QuantizationLayout(**stated)
    return Architecture(
        model_id=model_id, attention=tuple(AttentionLayers(*group) for group in row["attention"]), **plain
    )
