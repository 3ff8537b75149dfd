"""A config.json from outside: read, and held against what any model has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from planning.architectures.config_words import UnreadableConfig, text_of
from planning.architectures.hf_config import from_config_json
from planning.architectures.shape import Architecture
from planning.facts import rows
from settings.spelling import did_you_mean


def described_config(config: Mapping[str, Any]) -> Architecture:
    """The architecture of a config.json; raises UnreadableConfig, whatever is wrong with it."""
    try:
        _check_class(config)
        architecture = from_config_json(config)
        for problem in _implausible(architecture):
            raise UnreadableConfig(f"config.json gives {problem}")
        return architecture
    except UnreadableConfig:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, ZeroDivisionError) as problem:
        # A key of the wrong type deep in the JSON: said as a mistake of the file, never as a traceback.
        raise UnreadableConfig(f"config.json cannot be read ({type(problem).__name__}: {problem})") from problem


def _check_class(config: Mapping[str, Any]) -> None:
    """Refuses a class whose memory we would compute wrongly without a word; a config that names none is read."""
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named else None
    if not isinstance(name, str):
        return
    row = _classes().get(name)
    instead = "say its figures instead (models[].architecture)"
    if row is None:
        near = did_you_mean(name, _classes(), 0.8, most=1)
        hint = near and f"; {near}"
        raise UnreadableConfig(
            f"config.json names {name[:80]}, which is no class that vLLM 0.33 generates text with{hint} If it is "
            f"one of your own, {instead}"
        )
    if row["state"] == "unknown":
        raise UnreadableConfig(f"{name} is a class of vLLM whose memory is not computed here ({row['why']}); {instead}")
    text = text_of(config)
    if missing := [key for key in row["needs"].split() if not text.get(key)]:
        raise UnreadableConfig(f"config.json has no {', '.join(missing)}, by which the memory of {name} is computed")


@cache
def _classes() -> Mapping[str, Mapping[str, str]]:
    return {row["class"]: row for row in rows("model_classes.csv")}


# No model has more of anything; a slip of the pen has.
_MOST = {
    "layers": 1_000,
    "hidden_size": 1_000_000,
    "attention_heads": 4_096,
    "head_dim": 4_096,
    "vocab_size": 10_000_000,
    "max_position_embeddings": 100_000_000,
    "intermediate_size": 10_000_000,
}


def _implausible(architecture: Architecture) -> Iterator[str]:
    """What cannot be meant, in the words of config.json's reader."""
    for name, most in _MOST.items():
        value = getattr(architecture, name)
        least = 0 if name == "intermediate_size" else 1
        if not least <= value <= most:
            yield f"{name} {value}, which is not between {least} and {most}"
    if not architecture.attention_layers and architecture.recurrent is None:
        yield "no layer that remembers anything: its layer types are not known here"
    if (
        architecture.attention_layers > architecture.layers
        or not 0 <= architecture.dense_mlp_layers <= architecture.layers
    ):
        yield f"more layers of a kind than the {architecture.layers} there are"
    for group in architecture.attention:
        if group.layers < 1 or not 1 <= group.kv_heads <= 4096 or not 1 <= group.head_dim <= 65536:
            yield f"{group.layers} attention layers with {group.kv_heads} KV heads of {group.head_dim}"
        if group.window is not None and group.window < 1:
            yield f"a window of {group.window} tokens"
    experts = architecture.experts
    if experts is not None and (
        not 0 <= experts.layers <= architecture.layers
        or not 1 <= experts.per_token <= experts.experts <= 100_000
        or not 0 < experts.intermediate_size <= 10_000_000
        or not 0 <= experts.shared_intermediate_size <= 10_000_000
    ):
        yield f"{experts.experts} experts, {experts.per_token} per token, in {experts.layers} layers"
    if not 0 < architecture.parameters <= 10**14 or architecture.vision_parameters < 0:
        yield f"{architecture.parameters:.3g} parameters"
