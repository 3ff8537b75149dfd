"""The HTTP surface of a simulated engine: the OpenAI API, /health, /version, /metrics.

`handle` is called in-process by the router and the admin server: no port per pod, so hundreds of pods cost little.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from aiohttp import web

from local.engine import adapters, text
from local.engine.answers import Choice, Envelope
from local.engine.engine import RAY_SURFACE, Engine, EngineState, Overloaded
from local.engine.metrics import CONTENT_TYPE
from local.engine.protocol import (
    ApiError,
    ChatRequest,
    CompletionRequest,
    Prompt,
    check_parameters,
    prompts_of,
    read,
)

STARTED = int(time.time())
# what --api-key protects (vllm#29922); all else stays open, as in reality
PROTECTED_PREFIXES = ("/v1", "/v2", "/inference", "/cohere")


def refused(engine: Engine | None, why: str) -> web.Response:
    """What stands for a refused TCP connection: the port here is shared, so it is an answer with status 503."""
    state = str(engine.state) if engine else "absent"
    error = {"message": f"connection refused (simulated): {why}", "type": "ServiceUnavailable", "code": 503}
    headers = {"X-Simulated-Engine": state, "Connection": "close"}
    return web.json_response({"error": error}, status=503, headers=headers)


async def handle(engine: Engine, request: web.BaseRequest, path: str) -> web.StreamResponse:
    """Answers `request` for `path` (without query) as the engine's HTTP server would."""
    if engine.state not in (EngineState.SERVING, EngineState.DRAINING):
        return refused(engine, f"the engine of {engine.config.pod} is {engine.state}")
    in_ray = engine.config.surface == RAY_SURFACE
    if in_ray and engine.state is EngineState.DRAINING:  # its proxy has no replica left here
        return refused(engine, f"the replica on {engine.config.pod} leaves")
    methods = (_RAY_ROUTES if in_ray else _ROUTES).get(path)
    if methods is None and engine.config.adapters_may_change:
        methods = _ADAPTER_ROUTES.get(path)
    if methods is None:
        return web.json_response({"detail": "Not Found"}, status=404)
    if request.method not in methods:
        return web.json_response({"detail": "Method Not Allowed"}, status=405)
    if not _authorized(engine, request, path):
        return web.json_response({"error": "Unauthorized"}, status=401)
    try:
        return await methods[request.method](engine, request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status)
    except Overloaded as error:
        body = ApiError(503, str(error), "Service Unavailable").body
        return web.json_response(body, status=503)


def _authorized(engine: Engine, request: web.BaseRequest, path: str) -> bool:
    keys = engine.config.arguments.api_keys
    if not keys or not path.startswith(PROTECTED_PREFIXES):
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token in keys


async def _models(engine: Engine, _: web.BaseRequest) -> web.StreamResponse:
    cards: list[dict[str, Any]] = [
        {
            "id": name,
            "object": "model",
            "created": STARTED,
            "owned_by": "vllm-simulated",
            "root": engine.config.arguments.model,
            "parent": None,
            "max_model_len": engine.config.max_model_len,
            "simulated": True,
            "permission": [],
        }
        for name in engine.served_names
    ]
    return web.json_response({"object": "list", "data": [*cards, *adapters.cards(engine)]})


async def _health(_: Engine, __: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=200)


async def _version(engine: Engine, _: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"version": engine.config.version, "simulated": True})


async def _metrics(engine: Engine, _: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=engine.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})


async def _chat(engine: Engine, request: web.BaseRequest) -> web.StreamResponse:
    return await _generate(engine, request, await read(request, ChatRequest))


async def _completion(engine: Engine, request: web.BaseRequest) -> web.StreamResponse:
    return await _generate(engine, request, await read(request, CompletionRequest))


async def _generate(
    engine: Engine, request: web.BaseRequest, body: ChatRequest | CompletionRequest
) -> web.StreamResponse:
    check_parameters(body, engine.served_names, engine.adapters)
    prompts = prompts_of(body, engine.config.max_model_len)
    with engine.admitted(len(prompts) * body.n):
        return await _answer(engine, request, body, prompts)


async def _answer(
    engine: Engine, request: web.BaseRequest, body: ChatRequest | CompletionRequest, prompts: list[Prompt]
) -> web.StreamResponse:
    choices = [_choice(engine, body, prompt) for prompt in prompts for _ in range(body.n)]
    for index, choice in enumerate(choices):
        choice.index = index
    engine.metrics.observe("request_params_n", body.n)
    for choice in choices:
        engine.metrics.observe("request_params_max_tokens", choice.prompt.max_tokens)
        engine.metrics.observe("request_max_num_generation_tokens", choice.prompt.max_tokens)
    answer = Envelope(body.model or engine.served_names[0], prompts, chat=isinstance(body, ChatRequest))
    if body.stream:
        return await _stream(engine, request, body, choices, answer)
    await asyncio.gather(*(_finish(engine, choice) for choice in choices))
    return web.json_response(answer.whole(choices))


def _choice(engine: Engine, body: ChatRequest | CompletionRequest, prompt: Prompt) -> Choice:
    answer = text.GeneratedAnswer(engine.served_names[0], engine.config.pod, prompt.tokens)
    if engine.state is EngineState.DRAINING:  # vLLM's core ends what arrives after SIGTERM at once
        return Choice(0, prompt, answer, 0, "abort")
    natural = max(answer.natural_tokens, body.min_tokens)
    if body.ignore_eos or natural > prompt.max_tokens:
        return Choice(0, prompt, answer, prompt.max_tokens, "length")
    return Choice(0, prompt, answer, natural, "stop")


async def _finish(engine: Engine, choice: Choice) -> None:
    if choice.finish_reason == "abort":
        engine.turn_away(choice.prompt.tokens)
    if choice.output_tokens == 0:
        return
    async for sequence in engine.generate(
        choice.prompt.tokens, choice.output_tokens, choice.finish_reason, choice.prompt.content
    ):
        choice.sent, choice.finish_reason = sequence.generated, sequence.finish_reason


async def _stream(
    engine: Engine,
    request: web.BaseRequest,
    body: ChatRequest | CompletionRequest,
    choices: list[Choice],
    answer: Envelope,
) -> web.StreamResponse:
    options = body.stream_options
    with_usage = bool(options and options.include_usage) or engine.config.arguments.force_include_usage
    continuous = with_usage and bool(options and options.continuous_usage_stats)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    if answer.chat:
        for choice in choices:
            await response.write(answer.chunk(choice, {"role": "assistant", "content": ""}, None))
    async with contextlib.aclosing(_merged(engine, choices)) as pieces:
        async for choice, piece in pieces:
            usage = answer.usage(choices) if continuous else None
            await response.write(answer.chunk(choice, {"content": piece} if answer.chat else piece, usage))
    if with_usage:
        await response.write(answer.chunk(None, None, answer.usage(choices)))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _merged(engine: Engine, choices: list[Choice]) -> AsyncGenerator[tuple[Choice, str], None]:
    """Pieces of all choices in the order they are made; cancels the rest when the reader leaves."""
    queue: asyncio.Queue[tuple[Choice, int, str] | None] = asyncio.Queue()

    async def follow(choice: Choice) -> None:
        try:
            if choice.finish_reason == "abort":  # no chunk tells it: the stream only ends
                engine.turn_away(choice.prompt.tokens)
                return
            if choice.output_tokens == 0:
                queue.put_nowait((choice, 0, choice.finish_reason))
                return
            async for s in engine.generate(
                choice.prompt.tokens, choice.output_tokens, choice.finish_reason, choice.prompt.content
            ):
                queue.put_nowait((choice, s.generated, s.finish_reason))
        finally:
            queue.put_nowait(None)

    tasks = [asyncio.create_task(follow(choice)) for choice in choices]
    try:
        left = len(tasks)
        while left:
            item = await queue.get()
            if item is None:
                left -= 1
                continue
            choice, generated, reason = item
            piece = choice.answer.piece(choice.sent, generated)
            choice.sent, choice.finish_reason = generated, reason
            yield choice, piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _proxy_health(_: Engine, __: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="success")


_Handler = Callable[[Engine, web.BaseRequest], Awaitable[web.StreamResponse]]
_ROUTES: dict[str, dict[str, _Handler]] = {
    "/health": {"GET": _health},
    "/ping": {"GET": _health, "POST": _health},
    "/version": {"GET": _version},
    "/metrics": {"GET": _metrics},
    "/v1/models": {"GET": _models},
    "/v1/chat/completions": {"POST": _chat},
    "/v1/completions": {"POST": _completion},
}
# ray 2.56.0: llm/_internal/serve/core/ingress/ingress.py, and serve/_private/proxy.py for what begins with `-`
_RAY_ROUTES: dict[str, dict[str, _Handler]] = {
    "/-/healthz": {"GET": _proxy_health},
    **{path: _ROUTES[path] for path in ("/v1/models", "/v1/chat/completions", "/v1/completions")},
}
_ADAPTER_ROUTES: dict[str, dict[str, _Handler]] = {
    "/v1/load_lora_adapter": {"POST": adapters.load},
    "/v1/unload_lora_adapter": {"POST": adapters.unload},
}
