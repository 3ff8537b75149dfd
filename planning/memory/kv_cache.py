"""KV-cache blocks as vLLM lays them out: groups of layers, pages of one size, blocks of one pool.

Follows vllm/v1/core/kv_cache_planning.py and kv_cache_interface.py of 0.33.0. With one kind of attention there is
one group. Models that mix full attention, sliding windows and recurrent states get groups with equally many
layers; every group draws blocks from the same pool, so a block costs one page per layer of a group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from planning.architectures.shape import Architecture, AttentionLayers
from planning.memory.engine import EngineConfig
from planning.memory.weights import stage_layers

# Decode steps in flight at once with asynchronous scheduling, default since 0.14 (config/vllm.py).
_CONCURRENT_BATCHES = 2
_ASYNC_SINCE = (0, 14)
# Prefix caching of recurrent layers keeps two states per sequence ("align"), default since 0.19.
_ALIGNED_STATES_SINCE = (0, 19)
# A token of sparse latent attention in fp8: 512 bytes, 4 scales, 64 rotated elements in 16 bit (mla_attention.py).
_SPARSE_FP8_BYTES = 656


@dataclass(frozen=True)
class CacheLayout:
    """How a model's cache is cut: a block costs `block_bytes` on each GPU and holds `block_size` tokens of a group.

    `groups`: one entry per group, its window in tokens, None for full attention, 0 for a recurrent state. `scales`: a
    group whose tokens take less than the largest holds so many times `block_size` tokens in a block.
    """

    block_size: int
    block_bytes: int
    groups: tuple[int | None, ...]
    scales: tuple[int, ...] = ()

    def tokens(self, group: int) -> int:
        """Tokens in a block of that group."""
        return self.block_size * (self.scales[group] if self.scales else 1)


def kv_cache_bytes_per_token(model: Architecture, engine: EngineConfig) -> int:
    """Bytes on one GPU that one token of one sequence keeps in layers without a window; 0: none grow."""
    kept = sum(
        group.layers * _page_bytes_per_token(model, group, engine) for group in model.attention if group.window is None
    )
    return (kept + (model.indexer.bytes_per_token if model.indexer else 0)) // engine.pipeline_parallel


def cache_layout(model: Architecture, engine: EngineConfig) -> CacheLayout:
    """How vLLM lays out this model's cache on one GPU."""
    layers = _layers_by_kind(model, engine)
    # Of the fullest pipeline stage.
    share = max(stage_layers(model.layers, engine.pipeline_parallel)) / model.layers
    if len(layers) == 1:
        ((window, kind),) = layers.items()
        size = engine.block_size
        return CacheLayout(size, ceil(kind.bytes_per_token * share) * size, (window,))
    page = max(kind.page for kind in layers.values())
    size = _block_size(model, engine, page)
    counts = [kind.layers for kind in layers.values()]
    smallest, largest = min(counts), max(counts)
    per_group = largest if largest < 1.5 * smallest else smallest
    groups, scales = [], []
    for window, kind in layers.items():
        # unify_kv_cache_spec_page_size: a page that divides the largest holds more tokens, any other is padded.
        scale = page // kind.page if kind.page and page % kind.page == 0 else 1
        number = ceil(kind.layers / per_group)
        groups += [window] * number
        scales += [scale] * number
    return CacheLayout(size, ceil(per_group * page * share) * size, tuple(groups), tuple(scales))


def blocks_per_sequence(layout: CacheLayout, engine: EngineConfig, length: int) -> int:
    """Blocks that one sequence of that many tokens holds at most; `engine` with its batch limits filled in."""
    steps = _CONCURRENT_BATCHES if engine.version >= _ASYNC_SINCE else 1
    in_flight = steps * (engine.max_num_batched_tokens or 0)
    total = 0
    for index, window in enumerate(layout.groups):
        tokens = layout.tokens(index)
        if window is None:
            total += ceil(length / tokens)
        elif window == 0:
            total += 2 if engine.version >= _ALIGNED_STATES_SINCE else 1
        else:
            total += ceil(min(window - 1 + in_flight, length) / tokens) + 1
    return total


def max_concurrency(layout: CacheLayout, engine: EngineConfig, kv_cache_bytes: float, length: int) -> float:
    """Sequences of that length that fit at once."""
    blocks = int(kv_cache_bytes // layout.block_bytes) if layout.block_bytes else 0
    return max(blocks, 0) / max(1, blocks_per_sequence(layout, engine, length))


def kv_cache_tokens(layout: CacheLayout, engine: EngineConfig, kv_cache_bytes: float, length: int) -> int:
    """Tokens that vLLM reports as "GPU KV cache size" for sequences of that length."""
    blocks = int(kv_cache_bytes // layout.block_bytes) if layout.block_bytes else 0
    if set(layout.groups) == {None} or engine.version < _ALIGNED_STATES_SINCE:
        return max(blocks, 0) // len(layout.groups) * layout.block_size
    return int(max_concurrency(layout, engine, kv_cache_bytes, length) * length)


def longest_sequence(layout: CacheLayout, engine: EngineConfig, kv_cache_bytes: float, limit: int) -> int:
    """Tokens of the longest single sequence that fits, at most `limit`; 0: not even one token."""
    blocks = int(kv_cache_bytes // layout.block_bytes) if layout.block_bytes else 0
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if blocks_per_sequence(layout, engine, middle) <= blocks:
            low = middle
        else:
            high = middle - 1
    return low


def state_bytes_per_layer(model: Architecture, engine: EngineConfig) -> int:
    """Bytes of one sequence's state in one recurrent layer on one GPU."""
    if model.recurrent is None:
        return 0
    state = model.recurrent.state_elements * model.recurrent.state_dtype_bytes
    return ceil((state + 2 * model.recurrent.convolution_elements) / engine.tensor_parallel)


@dataclass(frozen=True)
class _Kind:
    """Layers of one kind of cache: what a token takes in the largest of them and in all, bytes on one GPU."""

    layers: int = 0
    page: int = 0
    bytes_per_token: int = 0


def _layers_by_kind(model: Architecture, engine: EngineConfig) -> dict[int | None, _Kind]:
    """Window (None: full attention, 0: recurrent) -> layers of that kind."""
    kinds: dict[int | None, _Kind] = {}
    for group in model.attention:
        # Only the V1 engine frees blocks that left the window.
        window = group.window if engine.is_v1 else None
        known, page = kinds.get(window, _Kind()), _page_bytes_per_token(model, group, engine)
        kinds[window] = _Kind(
            known.layers + group.layers, max(known.page, page), known.bytes_per_token + group.layers * page
        )
    if model.indexer is not None and None in kinds:
        known = kinds[None]
        kinds[None] = replace(known, bytes_per_token=known.bytes_per_token + model.indexer.bytes_per_token)
    if model.recurrent is not None:
        kinds[0] = _Kind(model.recurrent.layers)
    return kinds


def _page_bytes_per_token(model: Architecture, group: AttentionLayers, engine: EngineConfig) -> int:
    if model.latent is not None:
        if model.indexer is not None and engine.kv_cache_element_bytes == 1:
            return _SPARSE_FP8_BYTES
        return group.head_dim * engine.kv_cache_element_bytes
    heads = max(1, group.kv_heads // engine.tensor_parallel)
    return heads * group.kept_dim * engine.kv_cache_element_bytes


def _block_size(model: Architecture, engine: EngineConfig, page_bytes_per_token: float) -> int:
    """Tokens per block, raised in steps of 16 until a page holds a recurrent layer's state."""
    state = state_bytes_per_layer(model, engine)
    if not state:
        return engine.block_size
    return max(engine.block_size, 16 * ceil(state / page_bytes_per_token / 16))
