"""Models whose layers differ one by one: `block_configs` of a config.json (Llama-Nemotron, DeciLM).

Read as vLLM does, model_executor/models/nemotron_nas.py of 0.33.0: a block may lack its attention or its MLP
(`no_op`), has its own number of query heads per KV head, and an MLP width of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planning.architectures.shape import AttentionLayers

_WIDTH_MULTIPLE = 256


@dataclass(frozen=True)
class Blocks:
    """Attention by cache shape, and MLPs of different widths as so many of their mean width.

    `rest`: MLP parameters that the mean, a whole number, leaves out; 16 bit at most a row of a matrix.
    """

    attention: tuple[AttentionLayers, ...]
    mlp_layers: int
    mlp_width: int
    rest: int


def blocks_of(text: Mapping[str, Any], heads: int, head_dim: int, hidden: int, matrices: int) -> Blocks | None:
    """The blocks that a config.json lists; None where its layers are alike."""
    stated = text.get("block_configs")
    if not isinstance(stated, list) or not stated:
        return None
    attention: Counter[int] = Counter()
    widths: list[int] = []
    for block in stated:
        seen, ffn = block["attention"], block["ffn"]
        if not seen.get("no_op") and not seen.get("replace_with_linear"):
            attention[heads // int(seen["n_heads_in_group"])] += 1
        if not ffn.get("no_op") and not ffn.get("replace_with_linear"):
            widths.append(_width(ffn, hidden))
    mean = sum(widths) // len(widths) if widths else 0
    return Blocks(
        attention=tuple(AttentionLayers(count, kv_heads, head_dim) for kv_heads, count in sorted(attention.items())),
        mlp_layers=len(widths),
        mlp_width=mean,
        rest=matrices * hidden * (sum(widths) - mean * len(widths)),
    )


def _width(ffn: Mapping[str, Any], hidden: int) -> int:
    if ffn.get("ffn_mult") is None:
        return int(ffn["intermediate_size"])
    width = int(2 * float(ffn["ffn_mult"]) * hidden / 3)
    return width + -width % _WIDTH_MULTIPLE
