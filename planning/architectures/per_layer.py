"""Gemma 4's E models: an embedding for each layer, and late layers that read what earlier ones keep.

Read in vLLM 0.32.0, model_executor/models/gemma4.py: the last `num_kv_shared_layers` have queries and an output and no
keys and values, and read those of the last layer of their kind before them; `use_double_wide_mlp` doubles their MLPs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from planning.architectures.config_words import UnreadableConfig, alike
from planning.architectures.layer_inputs import PerLayerInput
from planning.architectures.shape import AttentionLayers


@dataclass(frozen=True)
class Widened:
    """MLPs of two widths as their mean, a whole number; `rest`: parameters that it leaves out, at most a row each."""

    width: int
    rest: int


def shared_layers(text: Mapping[str, Any], layers: int) -> int:
    """Layers at the end without keys and values of their own."""
    shared = alike(text, "num_kv_shared_layers")
    if not 0 <= shared < layers:
        raise UnreadableConfig(f"config.json gives num_kv_shared_layers {shared} of {layers} layers")
    return shared


def with_readers(groups: tuple[AttentionLayers, ...], late: list[str]) -> tuple[AttentionLayers, ...]:
    """The groups, told how many of the late layers read each."""
    readers = {True: late.count("sliding_attention"), False: late.count("full_attention")}
    for windowed, count in readers.items():
        if count and not any((group.window is not None) == windowed for group in groups):
            raise UnreadableConfig("config.json has layers that share keys and values which no earlier layer keeps")
    return tuple(replace(group, readers=readers[group.window is not None]) for group in groups)


def per_layer_of(text: Mapping[str, Any], layers: int, vocabulary: int) -> PerLayerInput | None:
    """The embeddings of each layer; None where there are none."""
    width = alike(text, "hidden_size_per_layer_input")
    if not width:
        return None
    return PerLayerInput(layers, width, alike(text, "vocab_size_per_layer_input") or vocabulary)


def widened(text: Mapping[str, Any], layers: int, width: int, row: int) -> Widened:
    """Of `layers` MLPs of that width those of shared layers doubled where the file says so; `row`: numbers per unit."""
    doubled = shared_layers(text, layers) if text.get("use_double_wide_mlp") else 0
    total = width * (layers + doubled)
    mean = total // layers if layers else width
    return Widened(mean, row * (total - mean * layers))
