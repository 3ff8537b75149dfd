"""Requests of the OpenAI API as the simulated vLLM takes them, and its refusals in vLLM's words.

Wording: as vLLM 0.32.0 answered on a CPU on 2026-11-27; tests/local/engine/vllm-0.32.0.json holds the answers.
"""

from __future__ import annotations

import json
from collections.abc import Collection
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
    content: bytes = b""
    """Four bytes for each token, by which a prefix cache knows it again."""


Model = TypeVar("Model", bound=BaseModel)


async def read(request: web.BaseRequest, kind: type[Model]) -> Model:
    """The body as `kind`. Raises ApiError 400."""
    try:
        return kind.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        raise _invalid([dict(error) for error in error.errors(include_url=False)]) from None
    except json.JSONDecodeError as error:
        problem = {"type": "json_invalid", "loc": (error.pos,), "msg": "JSON decode error", "input": {}}
        raise _invalid([{**problem, "ctx": {"error": error.msg}}]) from None
    except ValueError as error:
        raise ApiError(400, f"There was an error parsing the body: {error}", "Bad Request") from None


def _invalid(errors: list[dict[str, Any]]) -> ApiError:
    """FastAPI's list of what is wrong with a body, as vLLM writes it: no values of the request in it."""
    plural = "s" if len(errors) > 1 else ""
    shortened = [
        {**error, "loc": ".".join(["body", *map(str, error["loc"])]), "input": _size(error["input"])}
        for error in errors
    ]
    message = "\n".join([f"{len(errors)} validation error{plural}:", *(f"  {error}" for error in shortened)])
    return ApiError(400, message, "Bad Request", str(shortened[0]["loc"]))


def _size(value: Any) -> Any:
    """In the place of a container, which may hold a whole conversation."""
    if isinstance(value, dict | list):
        return f"<{type(value).__name__} of {len(value)} items>"
    return value


def check_parameters(request: GenerationRequest, served_names: tuple[str, ...], adapters: Collection[str] = ()) -> None:
    """Raises ApiError: 404 for a model that is not served, 400 for a sampling parameter out of range."""
    if request.model is not None and request.model not in (*served_names, *adapters):
        names = ", ".join(served_names)
        message = f"The model `{request.model}` does not exist. Valid aliases: {names}."
        raise ApiError(404, message, "NotFoundError", "model")
    body = request
    problems: tuple[tuple[bool, str, str | None, Any], ...] = (
        (body.n < 1, f"n must be at least 1, got {body.n}.", None, None),
        (
            body.temperature is not None and body.temperature < 0,
            f"temperature must be non-negative, got {body.temperature}.",
            "temperature",
            body.temperature,
        ),
        (
            body.top_p is not None and not 0 < body.top_p <= 1,
            f"top_p must be in (0, 1], got {body.top_p}.",
            "top_p",
            body.top_p,
        ),
        (
            body.max_tokens is not None and body.max_tokens < 1,
            f"max_tokens must be at least 1, got {body.max_tokens}.",
            "max_tokens",
            body.max_tokens,
        ),
        (
            body.stream_options is not None and not body.stream,
            "Stream options can only be defined when `stream=True`.",
            "stream_options",
            None,
        ),
    )
    for wrong, message, param, value in problems:
        if wrong:
            about = "" if param is None else f" (parameter={param}{'' if value is None else f', value={value}'})"
            raise ApiError(400, message + about, "BadRequestError", param)


def prompts_of(request: ChatRequest | CompletionRequest, max_model_len: int) -> list[Prompt]:
    """The prompts with their budgets. Raises ApiError 400 for one that does not fit `max_model_len` tokens."""
    if isinstance(request, ChatRequest):
        limit = request.max_completion_tokens
        tokens = request.max_tokens if limit is None else limit
        content = text.chat_content(request.messages)
        return [_fitted(text.chat_tokens(request.messages), tokens, max_model_len, content)]
    tokens = COMPLETION_DEFAULT_TOKENS if request.max_tokens is None else request.max_tokens
    prompt = request.prompt
    if isinstance(prompt, str):
        return [_fitted(text.prompt_tokens(prompt), tokens, max_model_len, text.content(prompt))]
    if not prompt:
        raise ApiError(400, "please provide at least one prompt", "BadRequestError", "prompt")
    ids = [item for item in prompt if isinstance(item, int)]
    if ids:
        return [_fitted(len(ids), tokens, max_model_len, text.content(ids), counted=len(ids))]
    several = [each for each in prompt if not isinstance(each, int)]
    return [_fitted(text.prompt_tokens(each), tokens, max_model_len, text.content(each)) for each in several]


def _fitted(tokens: int, most: int | None, max_model_len: int, content: bytes, counted: int | None = None) -> Prompt:
    """The prompt with a budget cut to the room that is left, as vLLM cuts it since it no longer reserves output.

    `counted`: tokens of a prompt that came as ids; text is counted to one token past the limit, hence "at least".
    """
    if tokens > max_model_len:
        words = f"at least {max_model_len + 1}" if counted is None else str(counted)
        counted = max_model_len + 1 if counted is None else counted
        raise ApiError(
            400,
            f"This model's maximum context length is {max_model_len} tokens. However, your prompt contains {words} "
            f"input tokens, which exceeds this limit even without any output tokens. Please reduce the "
            f"length of the input prompt. (parameter=input_tokens, value={counted})",
            "BadRequestError",
            "input_tokens",
        )
    room = max_model_len - tokens
    return Prompt(tokens, room if most is None else min(most, room), content)
