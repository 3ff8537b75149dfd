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
