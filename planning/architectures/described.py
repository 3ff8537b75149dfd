"""The architecture of a model: what the stack file describes, else what the table knows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planning.architectures.builds import layout_of_name
from planning.architectures.config_words import UnreadableConfig
from planning.architectures.layout import QuantizationLayout
from planning.architectures.plausible import described_config
from planning.architectures.shape import Architecture, AttentionLayers, Experts, LatentAttention
from planning.architectures.table import UnknownModel, architecture
from planning.findings import Findings
from settings.architecture import DescribedShape, PastedConfig
from settings.models import Model
from settings.sources import HubSource

# A stated number of parameters that differs by more than this share is a mistake in one of the two.
TOLERATED_DIFFERENCE = 0.1


def architecture_of(model: Model) -> Architecture | None:
    """The model's architecture, or None where it is unknown or the description cannot be read."""
    if model.architecture is None:
        known = look_up(model.model_id)
        return known if isinstance(known, Architecture) else None
    try:
        return _described(model)
    except UnreadableConfig:
        return None


def check_architecture(model: Model, path: str, findings: Findings) -> Architecture | None:
    """As `architecture_of`, and says what is wrong with the description or that the model is not known."""
    known = look_up(model.model_id)
    if model.architecture is None:
        if isinstance(known, Architecture):
            return known
        near = f" Nearest: {', '.join(known)}." if known else ""
        findings.warning(
            f"{path}.source",
            "unknown-model",
            f"{model.model_id} is not in the table: its memory is not checked, sizes and times come from its name",
            f"write {_copy(model)}architecture: {{config: <its config.json>}}.{near}",
        )
        return None
    where = f"{path}.architecture"
    if isinstance(known, Architecture):
        findings.warning(
            where,
            "architecture-known",
            f"{model.model_id} is in the table; the stack file's description is used instead",
            "remove it unless the table is wrong",
        )
    try:
        architecture = _described(model)
    except UnreadableConfig as problem:
        findings.error(f"{where}.config", "architecture-config", str(problem), "paste the whole config.json")
        return None
    _check_parameters(model, architecture, where, findings)
    return architecture


def _copy(model: Model) -> str:
    return "" if isinstance(model.origin, HubSource) else "copyOf: <the Hugging Face id of what it holds>, or "


@lru_cache(maxsize=1024)
def look_up(model_id: str) -> Architecture | tuple[str, ...]:
    """The architecture of the table, or the nearest ids: many models of a stack are often the same."""
    try:
        return architecture(model_id)
    except UnknownModel as unknown:
        return unknown.suggestions


def _described(model: Model) -> Architecture:
    described = model.architecture
    assert described is not None
    architecture = (
        described_config(described.config)
        if isinstance(described, PastedConfig)
        else _from_shape(described, model.model_id)
    )
    architecture = replace(architecture, model_id=model.model_id, source="stack file")
    if described.parameters is None:
        return architecture
    return replace(architecture, extra_parameters=max(0, described.parameters - architecture.parameters))


def _from_shape(shape: DescribedShape, source: str) -> Architecture:
    head_dim = shape.head_dim or shape.hidden_size // shape.attention_heads
    latent, experts = shape.latent_attention, shape.experts
    dense = shape.layers if experts is None else experts.dense_layers
    return Architecture(
        model_id="",
        family="described",
        layers=shape.layers,
        hidden_size=shape.hidden_size,
        attention_heads=shape.attention_heads,
        head_dim=head_dim if latent is None else latent.nope_dim + latent.rope_dim,
        vocab_size=shape.vocab_size,
        max_position_embeddings=shape.max_positions,
        attention=_attention(shape, head_dim),
        intermediate_size=shape.intermediate_size,
        dense_mlp_layers=dense,
        gated_mlp=shape.gated_mlp,
        tied_embeddings=shape.tied_embeddings,
        latent=None
        if latent is None
        else LatentAttention(
            latent.kv_lora_rank, latent.rope_dim, latent.nope_dim, latent.value_dim, latent.query_lora_rank
        ),
        experts=None
        if experts is None
        else Experts(
            shape.layers - dense,
            experts.experts,
            experts.per_token,
            experts.intermediate_size,
            experts.shared_intermediate_size,
        ),
        native_quantization=shape.quantization,
        layout=_layout(shape.quantization, source),
    )


def _layout(quantization: str, source: str) -> QuantizationLayout:
    """What the id says of builds of that kind, else the method's habit: a shape does not tell groups or blocks."""
    if quantization == "none":
        return QuantizationLayout()
    for name in (source, quantization):
        named = layout_of_name(name)
        if named is not None and named[0] == quantization:
            return named[1]
    return QuantizationLayout(quantization, certain=False)


def _attention(shape: DescribedShape, head_dim: int) -> tuple[AttentionLayers, ...]:
    latent = shape.latent_attention
    if latent is not None:
        return (AttentionLayers(shape.layers, 1, latent.kv_lora_rank + latent.rope_dim),)
    kv_heads = shape.kv_heads or shape.attention_heads
    sliding = shape.sliding_window
    groups = [AttentionLayers(shape.layers - (sliding.layers if sliding else 0), kv_heads, head_dim)]
    if sliding is not None:
        groups.append(AttentionLayers(sliding.layers, kv_heads, head_dim, sliding.tokens))
    return tuple(group for group in groups if group.layers)


def _check_parameters(model: Model, architecture: Architecture, where: str, findings: Findings) -> None:
    described = model.architecture
    if described is None or described.parameters is None:
        return
    stated = described.parameters
    shape = architecture.parameters - architecture.extra_parameters
    if abs(shape - stated) > TOLERATED_DIFFERENCE * stated:
        findings.error(
            f"{where}.parameters",
            "architecture-parameters",
            f"{stated / 1e9:.2f} billion, but the shape has {shape / 1e9:.2f} billion: one of the two is wrong",
            "correct it or leave parameters out",
        )
