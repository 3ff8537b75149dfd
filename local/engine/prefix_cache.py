"""Which beginnings of prompts an engine still has in its KV cache, by blocks, as vLLM's prefix cache (v1/core).

A block is known by its tokens and all before it. A request computes at least its last token itself. Blocks that
nothing uses go in the order of their last use. Simulated: tokens are four bytes of text each (text.py), and a block
that several running requests share counts once for each.
"""

from __future__ import annotations

from collections import OrderedDict

from local.engine.text import BYTES_PER_TOKEN


def block_hashes(content: bytes, block_tokens: int) -> tuple[int, ...]:
    """Of a prompt's full blocks, each with all that comes before; `content` has four bytes for each token."""
    size, before, hashes = block_tokens * BYTES_PER_TOKEN, 0, []
    for start in range(0, len(content) - size + 1, size):
        before = hash((before, content[start : start + size]))
        hashes.append(before)
    return tuple(hashes)


class PrefixCache:
    """Blocks by their last use."""

    def __init__(self, block_tokens: int) -> None:
        self._block_tokens = block_tokens
        self._known: OrderedDict[int, None] = OrderedDict()

    def hits(self, hashes: tuple[int, ...], prompt_tokens: int) -> int:
        """Tokens at the beginning that need not be computed."""
        cached_tokens = 0
        for each in hashes[: max(0, prompt_tokens - 1) // self._block_tokens]:
            if each not in self._known:
                break
            self._known.move_to_end(each)
            cached_tokens += self._block_tokens
        return cached_tokens

    def keep(self, hashes: tuple[int, ...], room_blocks: int) -> None:
        """These are computed now; the rest goes as far as there is no room. Ends of prompts go before beginnings."""
        for each in reversed(hashes):
            self._known[each] = None
            self._known.move_to_end(each)
        while len(self._known) > max(room_blocks, 0):
            self._known.popitem(last=False)
