"""Clients that ask without pause while something is done to a model, as docs/clients.md says that clients do.

Every other request is a stream. What was refused, reset or aborted before its first token is sent again, and counted;
what is cut after it is lost. Every request has a connection of its own. Clients that are told of a second address
ask there as soon as one of them finds nothing at the first (404).
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.5
TOKENS = 60
MOVED = "404"


class _Cut(Exception):
    """After the first token: nobody sends that again."""


@dataclass
class Asked:
    """What became of the requests; `again`: attempts that were sent again, by reason."""

    answered: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    longest_seconds: float = 0.0


async def _stream(answer: aiohttp.ClientResponse) -> str:
    tokens, reason, ended = 0, None, False
    try:
        async for line in answer.content:
            if line.startswith(b"data: [DONE]"):
                ended = True
            elif line.startswith(b"data: "):
                for choice in json.loads(line[6:]).get("choices") or ():
                    tokens += bool(choice.get("text"))
                    reason = choice.get("finish_reason") or reason
    except (aiohttp.ClientError, OSError) as error:
        if tokens:
            raise _Cut(f"{type(error).__name__} after {tokens} tokens") from error
        raise
    if tokens and not (ended and reason == "length"):
        raise _Cut(f"finish_reason {reason} after {tokens} tokens")
    return "" if tokens else f"finish_reason {reason} and no token"


async def _whole(answer: aiohttp.ClientResponse) -> str:
    body = await answer.json()
    (choice,) = body["choices"]
    if choice["finish_reason"] == "length" and body["usage"]["completion_tokens"] == TOKENS:
        return ""
    return f"finish_reason {choice['finish_reason']}"


async def _attempt(session: aiohttp.ClientSession, urls: list[str], body: dict[str, Any]) -> str:
    """Why it has to be sent again; empty: it was answered. `urls`: of all clients, the one where they ask first."""
    url = urls[0]
    try:
        async with session.post(f"{url}/v1/completions", json=body) as answer:
            if answer.status != 200:
                if answer.status == 404 and len(urls) > 1:
                    urls.sort(key=url.__eq__)
                    return MOVED
                if answer.status in (429, 502, 503):
                    return f"{answer.status}"
                raise _Cut(f"{answer.status}: {(await answer.text())[:200]}")
            return await (_stream if body["stream"] else _whole)(answer)
    except (aiohttp.ClientError, OSError) as error:
        return type(error).__name__


async def _one(session: aiohttp.ClientSession, urls: list[str], model: str, stream: bool, asked: Asked) -> None:
    body = {"model": model, "prompt": "Count.", "max_tokens": TOKENS, "ignore_eos": True, "stream": stream}
    began, why = time.monotonic(), ""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while why := await _attempt(session, urls, body):
                asked.again[why] += 1
                await asyncio.sleep(PAUSE_SECONDS)
        asked.answered["stream" if stream else "whole"] += 1
    except TimeoutError:
        asked.lost.append(f"no answer within {PATIENCE_SECONDS} s; the last: {why}")
    except _Cut as error:
        asked.lost.append(str(error))
    asked.longest_seconds = max(asked.longest_seconds, time.monotonic() - began)


async def _ask(urls: list[str], model: str, per_second: float, stop: threading.Event, asked: Asked) -> None:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session, asyncio.TaskGroup() as group:
        number = 0
        while not stop.is_set():
            group.create_task(_one(session, urls, model, bool(number % 2), asked))
            number += 1
            await asyncio.sleep(1 / per_second)


@contextmanager
def asking(url: str, model: str, per_second: float = 2.0, elsewhere: str = "") -> Iterator[Asked]:
    """Asks from here on until the end of the block, and then waits for every answer; addresses are without `/v1`."""
    urls = [url, elsewhere] if elsewhere else [url]
    asked, stop = Asked(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_ask(urls, model, per_second, stop, asked)))
    thread.start()
    try:
        yield asked
    finally:
        stop.set()
        thread.join()
