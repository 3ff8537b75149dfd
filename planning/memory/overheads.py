"""What vLLM takes besides weights and KV cache: the profiling peak, memory outside PyTorch, CUDA graphs.

Sizes follow the tensors that vLLM's profiling pass allocates; the constants that no shape gives (bytes per logit
by sampler generation, context, graphs per layer) were read from code where possible and checked on public
start-up logs. docs/memory-model.md names each.
"""

from __future__ import annotations

from math import ceil

from planning.architectures.shape import Architecture
from planning.memory.engine import GIB, EngineConfig

# Bytes per logit of the sampler's peak. Sorting sampler (before 0.19): model-dtype and fp32 logits 6, sorted values
# and int64 indices 12, reversed indices 8, CUB's second buffers 12. Triton sampler: between 10 (FlashInfer takes
# over) and 28 (native path). Runner V2: model-dtype and fp32 logits 6, masked copy or probabilities, top-k scratch.
_SORTING_LOGIT_BYTES = 38
_TRITON_LOGIT_BYTES = 20
_RUNNER_V2_LOGIT_BYTES = 12
# Runner V2 keeps a count and a prompt bit per request and token for penalties (v1/worker/gpu/sample/penalties.py).
_RUNNER_V2_PENALTY_BYTES = 4.125

_CONTEXT_BYTES = 0.15 * GIB
# Since 0.19 everything that is gone from the GPU counts, allocator leftovers too, not only what torch does not own.
_CONTEXT_BYTES_ALL_CONSUMED = 0.29 * GIB
_COMMUNICATION_BYTES = 0.15 * GIB

# CUDA graphs: piecewise graphs hold one segment per layer and batch size; logs show 0.33 to 0.38 MiB each, one to
# two times that with tensor parallelism, where all-reduces split a segment.
_GRAPH_SEGMENT_BYTES = 0.35 * 2**20
_LARGEST_GRAPH_BATCH = 512

# A vision tower's peak per patch: about 14 tensors of width 1152, 16 bit (log of Qwen3.5-4B: 1.93 GiB for 65,536).
_PATCH_BYTES = 14 * 1152 * 2

# Latent attention unpacks keys and values of up to so many cached tokens for chunked prompts
# (v1/attention/backends/mla/common.py, MLACommonMetadataBuilder).
_LATENT_WORKSPACE_TOKENS = 65536


def activation_bytes(model: Architecture, engine: EngineConfig) -> int:
    """Peak of the profiling pass beyond the weights; `engine` with its batch limits filled in."""
    tokens = engine.max_num_batched_tokens or 2048
    rows = min(engine.max_num_seqs or 256, tokens)
    hidden = tokens * model.hidden_size * 2
    forward = _forward_bytes(model, engine, tokens)
    sampler = rows * model.vocab_size * _logit_bytes(engine) + hidden if engine.profiles_sampler else 0
    vision = model.vision_patches * _PATCH_BYTES if engine.is_v1 else 0
    return ceil(max(forward, sampler, vision))


def reserve_bytes(model: Architecture, engine: EngineConfig) -> int:
    """Memory outside PyTorch (CUDA context, NCCL) and buffers that stay after profiling."""
    context = _CONTEXT_BYTES_ALL_CONSUMED if engine.has_triton_sampler else _CONTEXT_BYTES
    communication = _COMMUNICATION_BYTES if engine.world_size > 1 else 0
    penalties = 0.0
    if engine.has_runner_v2:
        penalties = (engine.max_num_seqs or 256) * model.vocab_size * _RUNNER_V2_PENALTY_BYTES
    return ceil(context + communication + penalties)


def graph_bytes(model: Architecture, engine: EngineConfig) -> int:
    """CUDA graphs of all batch sizes; 0 in eager mode."""
    if engine.enforce_eager:
        return 0
    largest = min(2 * (engine.max_num_seqs or 256), _LARGEST_GRAPH_BATCH)
    sizes = 3 + min(largest, 255) // 8 + (1 + (largest - 256) // 16 if largest >= 256 else 0)
    split = 1.5 if engine.tensor_parallel > 1 else 1
    return ceil(model.layers / engine.pipeline_parallel * sizes * split * _GRAPH_SEGMENT_BYTES)


def _forward_bytes(model: Architecture, engine: EngineConfig, tokens: int) -> float:
    """One layer's peak: gate, up and their product, and three tensors of the residual stream, 16 bit."""
    dense = model.intermediate_size if model.dense_mlp_layers else 0
    width = 3 * dense / engine.tensor_parallel
    if model.experts is not None:
        chosen = model.experts.per_token
        inner = model.experts.intermediate_size / engine.tensor_parallel
        width = max(width, chosen * (max(2 * inner, model.hidden_size) + inner))
    unpacked = 0.0
    if model.latent is not None:
        heads = model.attention_heads / engine.tensor_parallel
        unpacked = _LATENT_WORKSPACE_TOKENS * heads * (model.latent.nope_dim + model.latent.value_dim)
    return (tokens * (width + 3 * model.hidden_size) + unpacked) * 2


def _logit_bytes(engine: EngineConfig) -> int:
    if engine.has_runner_v2:
        return _RUNNER_V2_LOGIT_BYTES
    return _TRITON_LOGIT_BYTES if engine.has_triton_sampler else _SORTING_LOGIT_BYTES
