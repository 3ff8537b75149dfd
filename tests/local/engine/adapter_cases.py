"""LoRA adapters that are loaded while an engine runs: what a client is told, asked of both engines.

`vllm-0.32.0-adapters.json` beside it is what vLLM 0.32.0 on a CPU answered on 2026-11-28. Texts without paths and ids.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp

MODEL = "chat"
LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"

Seen = dict[str, Any]


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, Any], paths: tuple[str, ...]) -> Seen:
    async with session.post(url, json=body) as answer:
        text = await answer.text()
        status = answer.status
    for path in paths:
        text = text.replace(path, "PATH")
    try:
        told = json.loads(text)
    except ValueError:
        return {"status": status, "text": text}
    if "error" in told:
        return {"status": status, **{key: told["error"].get(key) for key in ("message", "type", "code")}}
    return {"status": status, "model": told["model"], "tokens": told["usage"]["completion_tokens"]}


async def _cards(session: aiohttp.ClientSession, url: str, paths: tuple[str, ...]) -> list[Seen]:
    async with session.get(f"{url}/v1/models") as answer:
        cards = (await answer.json())["data"]
    kept = [{key: card[key] for key in ("id", "root", "parent")} for card in cards]
    return [card | {"root": "PATH" if card["root"] in paths else "the model's"} for card in kept]


async def observe(session: aiohttp.ClientSession, url: str, first: str, second: str) -> Seen:
    """`first` and `second`: folders of two adapters that fit the model."""
    paths = (first, second)

    async def load(name: str, path: str = first, **more: Any) -> Seen:
        return await _post(session, url + LOAD, {"lora_name": name, "lora_path": path, **more}, paths)

    async def unload(name: str) -> Seen:
        return await _post(session, url + UNLOAD, {"lora_name": name}, paths)

    async def ask(model: str) -> Seen:
        body = {"model": model, "prompt": [65] * 8, "max_tokens": 4, "ignore_eos": True}
        return await _post(session, url + "/v1/completions", body, paths)

    return {
        "asked before it is loaded": await ask("sql"),
        "loaded": await load("sql"),
        "listed": await _cards(session, url, paths),
        "asked": await ask("sql"),
        "loaded again": await load("sql"),
        "loaded in place": await load("sql", second, load_inplace=True),
        "of the model's name": await load(MODEL),
        "without a name": await load(""),
        "without a path": await load("other", ""),
        "unloaded": await unload("sql"),
        "unloaded again": await unload("sql"),
        "asked after it is unloaded": await ask("sql"),
    }
