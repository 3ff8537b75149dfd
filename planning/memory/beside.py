"""Bytes of what a server loads beside its model: slots for LoRA adapters, a draft model or drafting heads.

Slots: vLLM allocates them at its start, for every matrix that an adapter may change, whatever the adapters change
(lora/model_manager.py, lora/layers/*: `create_lora_weights`). Read in vLLM 0.16.0 and 0.33.0, 2026-11-27.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import ceil

from planning.architectures.shape import Architecture
from planning.memory.engine import Beside, EngineConfig
from planning.memory.kv_cache import kv_cache_bytes_per_token
from planning.memory.weights import checkpoint_bytes, weights_bytes_per_gpu
from planning.units import GIB

# PEFT keeps what training used, which is often 32 bit.
ADAPTER_FILE_BYTES = 4
UNKNOWN_ADAPTER_BYTES = GIB
UNKNOWN_HEADS_BYTES = 4 * GIB


def beside_bytes_per_gpu(model: Architecture, engine: EngineConfig) -> int:
    """On one GPU, beside the model's own weights."""
    asked, total = engine.beside, 0
    if asked.slots:
        total += asked.slots * 2 * _adapter_parameters(model, asked.rank, engine.tensor_parallel)
    if asked.draft is not None:
        total += weights_bytes_per_gpu(asked.draft, _of_draft(engine))
    if asked.heads:
        total += ceil(asked.heads * 2 * _head_parameters(model) / engine.tensor_parallel)
    return total + ceil(asked.draft_bytes / engine.tensor_parallel)


def cache_share(model: Architecture, engine: EngineConfig) -> float:
    """Of the KV cache what is left to the model: each token keeps its keys and values in the draft's layers too."""
    own = kv_cache_bytes_per_token(model, engine)
    drafted = 0.0
    if engine.beside.draft is not None:
        drafted += kv_cache_bytes_per_token(engine.beside.draft, _of_draft(engine))
    if engine.beside.heads:
        drafted += engine.beside.heads * own / max(1, model.attention_layers)
    return own / (own + drafted) if drafted and own else 1.0


def on_disk_bytes(asked: Beside, ranks: Iterable[int], known: Architecture | None) -> int:
    """What is downloaded and kept beside the model's own weights. `ranks`: one per adapter."""
    total = sum(
        ADAPTER_FILE_BYTES * _adapter_parameters(known, r, 1) if known else UNKNOWN_ADAPTER_BYTES for r in ranks
    )
    if asked.draft is not None:
        total += checkpoint_bytes(asked.draft, EngineConfig(max_model_len=1))
    if asked.heads:
        total += 2 * asked.heads * _head_parameters(known) if known else UNKNOWN_HEADS_BYTES
    return total + asked.draft_bytes


def _of_draft(engine: EngineConfig) -> EngineConfig:
    return replace(engine, quantization="none", beside=Beside())


def _head_parameters(model: Architecture) -> int:
    """One layer like the model's, a projection of three hidden states, embedding and head, as EAGLE-3 has."""
    layer = (model.linear_parameters - model.routed_expert_parameters) // max(1, model.layers)
    return layer + 3 * model.hidden_size**2 + 2 * model.vocab_size * model.hidden_size


def _adapter_parameters(model: Architecture, rank: int, tensor: int) -> int:
    """Of one adapter on one GPU: of a matrix that is cut by its outputs A is whole, of one cut by its inputs B is."""
    total = 0.0
    for count, inputs, outputs, by_inputs in _matrices(model):
        total += count * (inputs / tensor + outputs if by_inputs else inputs + outputs / tensor)
    return ceil(rank * total)


def _matrices(model: Architecture) -> Iterator[tuple[float, int, int, bool]]:
    """How many, inputs, outputs, whether tensor parallelism cuts the inputs."""
    hidden = model.hidden_size
    for group in model.attention:
        queries, keys = model.attention_heads * group.head_dim, group.kv_heads * group.head_dim
        if model.latent is not None:
            queries = model.attention_heads * (model.latent.nope_dim + model.latent.rope_dim)
            keys = model.attention_heads * max(model.latent.nope_dim, model.latent.value_dim)
        yield group.layers + group.readers, hidden, queries * (2 if model.output_gate else 1), False
        yield 2 * group.layers, hidden, keys, False
        yield group.layers + group.readers, queries, hidden, True
    yield from _mlp(model.dense_mlp_layers, model, hidden, model.intermediate_size)
    if model.experts is not None:
        experts = model.experts
        yield from _mlp(
            experts.layers * experts.experts, model, experts.latent_size or hidden, experts.intermediate_size
        )
        yield from _mlp(experts.layers, model, hidden, experts.shared_intermediate_size)
    if model.recurrent is not None:
        yield model.recurrent.layers, hidden, model.recurrent.quantizable // hidden, False
    # Embedding and head, where the model lets adapters change them; counted for all.
    yield 2, hidden, model.vocab_size, False


def _mlp(count: int, model: Architecture, hidden: int, inner: int) -> Iterator[tuple[float, int, int, bool]]:
    if count and inner:
        yield count * (model.mlp_matrices - 1), hidden, inner, False
        yield count, inner, hidden, True
