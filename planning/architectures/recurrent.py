"""Sizes of recurrent layers from their dimensions."""

from __future__ import annotations

from planning.architectures.shape import RecurrentLayers


def gated_delta_net(
    layers: int, hidden: int, keys: int, value_heads: int, value_dim: int, key_dim: int, kernel: int, state_bytes: int
) -> RecurrentLayers:
    """Gated DeltaNet layers (Qwen3-Next, Qwen3.5)."""
    values = value_heads * value_dim
    channels = 2 * keys + values
    large = hidden * (channels + values) + values * hidden
    small = 2 * hidden * value_heads + channels * kernel + 2 * value_heads + value_dim
    state = value_heads * key_dim * value_dim
    return RecurrentLayers(layers, state, channels * (kernel - 1), large + small, large, state_bytes)


def mamba2(
    layers: int, hidden: int, heads: int, head_dim: int, state: int, groups: int, kernel: int, state_bytes: int
) -> RecurrentLayers:
    """Mamba-2 layers (Granite 4, Nemotron H)."""
    inner = heads * head_dim
    channels = inner + 2 * groups * state
    large = hidden * (inner + channels + heads) + inner * hidden
    small = channels * kernel + channels + 3 * heads + inner
    return RecurrentLayers(layers, heads * head_dim * state, channels * (kernel - 1), large + small, large, state_bytes)


def delta_attention(layers: int, hidden: int, heads: int, dim: int, kernel: int) -> RecurrentLayers:
    """Kimi delta attention; its state is kept in 32 bit (mamba_utils.py, kda_state_dtype)."""
    inner = heads * dim
    large = 4 * hidden * inner
    low_rank = 2 * (hidden * dim + dim * inner)
    small = low_rank + hidden * heads + 3 * inner * kernel + inner + heads + dim
    return RecurrentLayers(layers, heads * dim * dim, 3 * inner * (kernel - 1), large + small, large, 4)


def lightning_attention(layers: int, hidden: int, heads: int, dim: int) -> RecurrentLayers:
    """Ling and Ring 2.5's linear attention (vLLM 0.32, bailing_linear_attn.py): query, key, value, gate and output as
    wide as all heads, whatever num_key_value_heads says; its state is in the model's dtype, without a convolution."""
    inner = heads * dim
    large = 5 * hidden * inner
    return RecurrentLayers(layers, heads * dim * dim, 0, large + inner + 2 * dim, large, 2)


def short_convolution(layers: int, hidden: int, kernel: int) -> RecurrentLayers:
    """LFM2's gated short convolutions: no state but the last inputs."""
    large = 4 * hidden * hidden
    return RecurrentLayers(layers, 0, hidden * (kernel - 1), large + hidden * kernel, large)
