"""What an engine computes again of a prompt that began as another one did."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from local.engine.engine import Engine
from local.engine.prefix_cache import PrefixCache, block_hashes
from tests.local.engine.simulated import client_of, engine, run

BLOCK_BYTES = 64


def test_a_block_is_known_by_all_that_comes_before_it() -> None:
    one, other = b"a" * 128, b"b" * 64 + b"a" * 64
    assert block_hashes(one, 16)[1] != block_hashes(other, 16)[1]
    assert block_hashes(one, 16) == block_hashes(one + b"c" * 63, 16)
    assert len(block_hashes(one + b"c" * 64, 16)) == 3


def test_the_last_token_is_always_computed() -> None:
    cache = PrefixCache(16)
    hashes = block_hashes(b"a" * 4 * BLOCK_BYTES, 16)
    cache.keep(hashes, 100)
    assert cache.hits(hashes, 64) == 48
    assert cache.hits(hashes, 65) == 64


def test_without_room_the_ends_of_old_prompts_go_first() -> None:
    cache = PrefixCache(16)
    old, new = (block_hashes(text * 3 * BLOCK_BYTES, 16) for text in (b"o", b"n"))
    cache.keep(old, 5)
    cache.keep(new, 5)
    assert cache.hits(new, 100) == 48
    assert cache.hits(old, 100) == 32


def _counts(served: Engine) -> dict[str, float]:
    lines = served.metrics.exposition().decode().splitlines()
    wanted = ("prefix_cache_queries_total", "prefix_cache_hits_total")
    return {
        name: float(line.rpartition(" ")[2]) for line in lines for name in wanted if line.startswith(f"vllm:{name}{{")
    }


@pytest.mark.parametrize(
    ("flags", "hits"), [((), 96.0), (("--no-enable-prefix-caching",), 0.0)], ids=["cached", "switched off"]
)
def test_a_prompt_that_begins_as_an_earlier_one_hits_the_cache(flags: tuple[str, ...], hits: float) -> None:
    served = engine(*flags)

    async def ask(client: Any, end: str) -> None:
        body = {"model": "Qwen/Qwen3-0.6B", "prompt": "s" * 400 + end * 100, "max_tokens": 1}
        async with client.post("/v1/completions", json=body) as answer:
            assert answer.status == 200

    async def work() -> None:
        async with client_of(served) as client:
            await ask(client, "x")
            assert _counts(served).get("prefix_cache_hits_total", 0.0) == 0.0
            await ask(client, "y")
            await asyncio.sleep(0)

    run(work)
    assert _counts(served)["prefix_cache_hits_total"] == hits
