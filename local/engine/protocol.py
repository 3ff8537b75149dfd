"""Requests of the OpenAI API as the simulated vLLM takes them, and its refusals in vLLM 0.33's words.

Wording: renderers/params.py, entrypoints/serve/engine/serving.py, exceptions.py of vLLM 0.33.0, read 2026-11-21.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.engine import text

COMPLETION_DEFAULT_TOKENS = 16  # /v1/completions without max_tokens, as OpenAI and vLLM


class ApiError(Exception):
    """An error answer in vLLM's form."""

    def __init__(self, status: int, message: str, kind: str, param: str | None = None) -> None:
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}
        super().__init__(message)


class StreamOptions(BaseModel):
    """Which extra chunks a stream carries."""

    include_usage: bool = False
    continuous_usage_stats: bool = False


class GenerationRequest(BaseModel):
    """What both endpoints share. Fields that are not simulated are accepted and ignored, as vLLM accepts extras."""

    model_config = ConfigDict(extra="allow")

    model: str | None = None
    max_tokens: int | None = None
    min_tokens: int = 0
    n: int = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    ignore_eos: bool = False


class ChatRequest(GenerationRequest):
    """POST /v1/chat/completions."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = None


class CompletionRequest(GenerationRequest):
    """POST /v1/completions."""

    prompt: str | list[int] | list[str] | list[list[int]]


@dataclass(frozen=True)
class Prompt:
    """One prompt's length and the budget of each of its answers, tokens."""

    tokens: int
    max_tokens: int


Model = TypeVar("Model", bound=GenerationRequest)


async def read(request: web.BaseRequest, kind: type[Model]) -> Model:
    """The body as `kind`. Raises ApiError 400."""
    try:
        return kind.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        plural = "s" if len(errors) > 1 else ""
        lines = [f"  {dict(e, loc=('body', *e['loc']))}" for e in errors]
        param = ".".join(["body", *map(str, errors[0]["loc"])])
        message = "\n".join([f"{len(errors)} validation error{plural}:", *lines])
        raise ApiError(400, message, "BadRequestError", param) from None
    except ValueError as error:
        raise ApiError(400, f"There was an error parsing the body: {error}", "BadRequestError") from None


def check_parameters(request: GenerationRequest, served_names: tuple[str, ...]) -> None:
    """Raises ApiError: 404 for a model that is not served, 400 for a sampling parameter out of range."""
    if request.model is not None and request.model not in served_names:
        names = ", ".join(served_names)
        message = f"The model `{request.model}` does not exist. Valid aliases: {names}."
        raise ApiError(404, message, "NotFoundError", "model")
    problems = (
        (request.n < 1, f"n must be at least 1, got {request.n}.", "n"),
        (
            request.temperature is not None and request.temperature < 0,
            f"temperature must be non-negative, got {request.temperature}.",
            "temperature",
        ),
        (
            request.top_p is not None and not 0 < request.top_p <= 1,
            f"top_p must be in (0, 1], got {request.top_p}.",
            "top_p",
        ),
        (
            request.max_tokens is not None and request.max_tokens < 1,
            f"max_tokens must be at least 1, got {request.max_tokens}.",
            "max_tokens",
        ),
        (
            request.stream_options is not None and not request.stream,
            "Stream options can only be defined when `stream=True`.",
            "stream_options",
        ),
    )
    for wrong, message, param in problems:
        if wrong:
            raise ApiError(400, message, "BadRequestError", param)


def prompts_of(request: ChatRequest | CompletionRequest, max_model_len: int) -> list[Prompt]:
    """The prompts with their budgets. Raises ApiError 400 for one that does not fit `max_model_len` tokens."""
    if isinstance(request, ChatRequest):
        limit = request.max_completion_tokens
        wanted = request.max_tokens if limit is None else limit
        return [_fitted(text.chat_tokens(request.messages), wanted, max_model_len)]
    wanted = COMPLETION_DEFAULT_TOKENS if request.max_tokens is None else request.max_tokens
    prompt = request.prompt
    if isinstance(prompt, str):
        return [_fitted(text.prompt_tokens(prompt), wanted, max_model_len)]
    if not prompt:
        raise ApiError(400, "please provide at least one prompt", "BadRequestError", "prompt")
    ids = [item for item in prompt if isinstance(item, int)]
    if ids:
        return [_fitted(len(ids), wanted, max_model_len)]
    return [_fitted(text.prompt_tokens(p), wanted, max_model_len) for p in prompt if not isinstance(p, int)]


def _fitted(tokens: int, wanted: int | None, max_model_len: int) -> Prompt:
    """The prompt with a budget cut to the room that is left, as vLLM cuts it since it no longer reserves output."""
    if tokens > max_model_len:
        counted = max_model_len + 1  # vLLM stops counting one token past the limit, hence "at least"
        raise ApiError(
            400,
            f"This model's maximum context length is {max_model_len} tokens. However, your prompt contains at least "
            f"{counted} input tokens, which exceeds this limit even without any output tokens. Please reduce the "
            f"length of the input prompt. (parameter=input_tokens, value={counted})",
            "BadRequestError",
            "input_tokens",
        )
    room = max_model_len - tokens
    return Prompt(tokens, room if wanted is None else min(wanted, room))
