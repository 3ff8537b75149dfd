"""What vLLM takes besides weights and KV cache: the profiling peak, memory outside PyTorch, CUDA graphs.

Sizes follow the tensors that vLLM's profiling pass allocates; the constants that no shape gives (bytes per logit
by sampler generation, context, graphs per layer) were read from code where possible and checked on public
start-up logs. docs/memory-model.md names each.
"""

from __future__ import annotations

from math import ceil

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig
from planning.memory.runner import has_runner_v2
from planning.memory.vision import encoder_bytes
from planning.nodes.instances import Gpu
from planning.units import GIB

# Bytes per logit of the sampler's peak in the profiling pass, which asks for top-k and top-p. All keep the logits in
# the model's dtype and in fp32: 6. Sorting (before 0.17): sorted values and int64 indices 12, reversed indices 8, CUB's
# second buffers 12. Triton (since 0.17, native path): probabilities and exponentials 8. FlashInfer (default since 0.21,
# compute capability 7.5 and up, beside which the native path is warmed): masked logits and probabilities 8, the same.
# Where FlashInfer is installed, versions before 0.11 use it too and need 14 for 38; which one, is not known here.
# Runner V2: its profiling pass skips top-k and top-p (v1/worker/gpu/model_runner.py, _dummy_sampler_run).
_SORTING_LOGIT_BYTES = 38
_TRITON_LOGIT_BYTES = 14
_RUNNER_V2_LOGIT_BYTES = 6
# Fewer rows than this are sorted in every version (v1/sample/ops/topk_topp_sampler.py, apply_top_k_top_p).
_TRITON_ROWS = 8
_FLASHINFER_UNTIL = (0, 11)
_USUAL_ROWS = 256
# What torch.compile takes beside the forward pass while its cache is cold; warm starts do without it. Runner V2's logs:
# 0.92 GiB with 2,048 tokens on an L4 and an L40S, 0.98 with 8,192 tokens and four times the sequences on an H200.
_COMPILE_BYTES = 0.92 * GIB
# Runner V2 keeps a count and a prompt bit per request and token for penalties (v1/worker/gpu/sample/penalties.py).
_RUNNER_V2_PENALTY_BYTES = 4.125

_CONTEXT_BYTES = 0.15 * GIB
# Where everything that is gone from the GPU counts, allocator leftovers too.
_CONTEXT_BYTES_ALL_CONSUMED = 0.29 * GIB
_COMMUNICATION_BYTES = 0.15 * GIB

# CUDA graphs: piecewise graphs hold one segment per layer and batch size; logs show 0.33 to 0.38 MiB each, one to
# two times that with tensor parallelism, where all-reduces split a segment.
_GRAPH_SEGMENT_BYTES = 0.35 * 2**20
_LARGEST_GRAPH_BATCH = 512
_LARGEST_GRAPH_BATCH_BLACKWELL = 1024

# Latent attention unpacks keys and values of up to so many cached tokens for chunked prompts
# (v1/attention/backends/mla/common.py, MLACommonMetadataBuilder).
_LATENT_WORKSPACE_TOKENS = 65536


def activation_bytes(model: Architecture, engine: EngineConfig, *, lucky: bool = False) -> int:
    """Peak of the profiling pass beyond the weights; `engine` with its batch limits filled in.

    `lucky`: with what cannot be relied on, a warm compile cache and FlashInfer where it is no default.
    """
    tokens = engine.max_num_batched_tokens or 2048
    rows = min(engine.max_num_seqs or 256, tokens)
    hidden = tokens * model.hidden_size * 2
    forward = _forward_bytes(model, engine, tokens)
    sampler = 0
    if engine.profiles_sampler:
        sampler = rows * model.vocab_size * _logit_bytes(model, engine, rows, lucky) + hidden
    tower, outputs = encoder_bytes(model, engine)
    after = max(forward, sampler, 0 if lucky else _cold_bytes(model, engine, forward))
    return ceil(max(tower + outputs, after + outputs))


def _cold_bytes(model: Architecture, engine: EngineConfig, forward: float) -> float:
    """The peak while torch.compile's cache is cold, which fewer sequences do not lower.

    Of the older runner's logs none shows more than its sampler with the usual 256 sequences, so no more is taken.
    """
    if not engine.is_v1 or engine.enforce_eager:
        return 0
    cold = forward + _COMPILE_BYTES
    if has_runner_v2(model, engine):
        return cold
    rows = min(engine.max_num_batched_tokens or _USUAL_ROWS, _USUAL_ROWS)
    return min(cold, rows * model.vocab_size * _logit_bytes(model, engine, rows, lucky=False))


def reserve_bytes(model: Architecture, engine: EngineConfig) -> int:
    """Memory outside PyTorch (CUDA context, NCCL) and buffers that stay after profiling."""
    context = _CONTEXT_BYTES_ALL_CONSUMED if engine.counts_all_consumed else _CONTEXT_BYTES
    communication = _COMMUNICATION_BYTES if engine.world_size > 1 else 0
    penalties = 0.0
    if has_runner_v2(model, engine):
        penalties = (engine.max_num_seqs or 256) * model.vocab_size * _RUNNER_V2_PENALTY_BYTES
    # Room for each layer's inputs of a full step (gemma4_mm.py, per_layer_embeddings).
    inputs = 2 * (engine.max_num_batched_tokens or 2048) * model.per_layer.token_elements if model.per_layer else 0
    return ceil(context + communication + penalties + inputs)


def graph_bytes(model: Architecture, engine: EngineConfig, gpu: Gpu | None = None) -> int:
    """CUDA graphs of all batch sizes; 0 in eager mode."""
    if engine.enforce_eager:
        return 0
    largest = largest_graph(engine, gpu)
    sizes = 3 + min(largest, 255) // 8 + (1 + (largest - 256) // 16 if largest >= 256 else 0)
    split = 1.5 if engine.tensor_parallel > 1 else 1
    return ceil(model.layers / engine.pipeline_parallel * sizes * split * _GRAPH_SEGMENT_BYTES)


def largest_graph(engine: EngineConfig, gpu: Gpu | None = None) -> int:
    """Tokens of the largest CUDA graph, `engine` with its batch limits filled in; 0 in eager mode."""
    if engine.enforce_eager:
        return 0
    blackwell = gpu is not None and gpu.compute_capability[0] == 10 and engine.captures_large_graphs
    most = _LARGEST_GRAPH_BATCH_BLACKWELL if blackwell else _LARGEST_GRAPH_BATCH
    return min(2 * (engine.max_num_seqs or 256), engine.max_num_batched_tokens or most, most)


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
    # Each layer's inputs from the table and from the hidden state, before they are added.
    inputs = 2 * model.per_layer.token_elements if model.per_layer else 0
    return (tokens * (width + 3 * model.hidden_size + inputs) + unpacked) * 2


def _logit_bytes(model: Architecture, engine: EngineConfig, rows: int, lucky: bool) -> int:
    if has_runner_v2(model, engine):
        return _RUNNER_V2_LOGIT_BYTES
    if (engine.has_triton_sampler and rows >= _TRITON_ROWS) or (lucky and engine.version < _FLASHINFER_UNTIL):
        return _TRITON_LOGIT_BYTES
    return _SORTING_LOGIT_BYTES
