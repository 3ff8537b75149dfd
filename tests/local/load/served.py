"""A small HTTP server in a model's place: it answers each request as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

Answer = Callable[[web.BaseRequest, dict[str, Any]], Awaitable[web.StreamResponse]]


def event(text: str | None, finish_reason: str | None = None, usage: int | None = None) -> bytes:
    """One server-sent event as vLLM writes it: compact JSON."""
    choices = [] if text is None else [{"index": 0, "text": text, "finish_reason": finish_reason}]
    body: dict[str, Any] = {"choices": choices} | ({"usage": {"completion_tokens": usage}} if usage is not None else {})
    return f"data: {json.dumps(body, separators=(',', ':'))}\n\n".encode()


async def whole(request: web.BaseRequest, body: dict[str, Any], *, pause_seconds: float = 0.0) -> web.StreamResponse:
    """A full answer, a token at a time."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    max_tokens = body["max_tokens"]
    for token in range(1, max_tokens + 1):
        await response.write(event("x", "length" if token == max_tokens else None))
        await asyncio.sleep(pause_seconds)
    await response.write(event(None, usage=max_tokens))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Address of the server, and the bodies of the requests that it got."""
    bodies: list[dict[str, Any]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        bodies.append(await request.json())
        return await answer(request, bodies[-1])

    server = RawTestServer(handle)
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}", bodies
    finally:
        await server.close()
