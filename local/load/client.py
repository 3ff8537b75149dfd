"""One request to a model: sent as a client sends it, and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp

from local.load.arrivals import Arrival

Clock = Callable[[], float]

ABORTED = "aborted by a server that ends: 200 without a token, to be sent again"
"""vLLM's answer to what reaches it after SIGTERM (docs/clients.md). Lost, for a client that does not know it."""


class RequestOutcome(StrEnum):
    """What a request came to."""

    ANSWERED = "answered"
    """Every token that was asked for, and the end of the stream."""
    REFUSED = "refused"
    """503 or 429 with Retry-After before anything was begun: the client may send it again."""
    LOST = "lost"
    """Anything else: cut, aborted, reset, refused without a word about trying again, too late."""
    UNSENT = "unsent"
    """Not sent: as many as allowed were in flight. Only the run's own bound caused it."""


@dataclass(frozen=True)
class RequestResult:
    """One request, times in seconds after the start of the run; `why` for all that is not a full answer."""

    arrival: Arrival
    sent: float
    outcome: RequestOutcome
    first_token: float | None = None
    done: float | None = None
    why: str = ""

    @property
    def ttft_seconds(self) -> float | None:
        return None if self.first_token is None else self.first_token - self.sent

    @property
    def end_to_end_seconds(self) -> float | None:
        return None if self.done is None else self.done - self.sent


@dataclass
class _Stream:
    """What the server-sent events told so far."""

    first_token: float | None = None
    finish_reason: str | None = None
    completion_tokens: int | None = None
    ended: bool = False

    def take(self, line: bytes, clock: Clock) -> None:
        """One line. A token's JSON is read only for what it may end with: a run has hundreds of thousands."""
        if not line.startswith(b"data: "):
            return
        if line.startswith(b"data: [DONE]"):
            self.ended = True
            return
        if self.first_token is None:
            self.first_token = clock()
        if b'"finish_reason": null' in line:
            return
        event: dict[str, Any] = json.loads(line[6:])
        for choice in event.get("choices") or []:
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        if event.get("usage"):
            self.completion_tokens = event["usage"]["completion_tokens"]

    def fault(self, tokens: int) -> str:
        """Why it is no full answer; empty when it is one."""
        if self.ended and not self.completion_tokens and self.finish_reason in (None, "abort"):
            return ABORTED
        if self.finish_reason not in ("length", "stop"):
            return f"ended with finish_reason {self.finish_reason}"
        if not self.ended:
            return "the stream broke off before its end"
        if self.completion_tokens != tokens:
            return f"{self.completion_tokens} of {tokens} tokens came"
        return ""


_counted = itertools.count()


def _prompt(tokens: int) -> list[int]:
    """Ids below 256: the smallest vocabulary has 320."""
    own = list(next(_counted).to_bytes(4, "little"))[:tokens]
    return [*own, *[1] * (tokens - len(own))]


def body_of(model: str, arrival: Arrival) -> dict[str, Any]:
    """A completion of exactly these lengths: the prompt as token ids, no early end.

    No two prompts begin alike, or a prefix cache would do the work: their first ids count the requests.
    """
    return {
        "model": model,
        "prompt": _prompt(arrival.input_tokens),
        "max_tokens": arrival.output_tokens,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def send(
    session: aiohttp.ClientSession, url: str, model: str, arrival: Arrival, limit_seconds: float, clock: Clock
) -> RequestResult:
    """Sends it and reads its answer to the end; never raises for what the platform does."""
    sent, stream = clock(), _Stream()

    def result(outcome: RequestOutcome, why: str = "") -> RequestResult:
        done = clock() if outcome is RequestOutcome.ANSWERED else None
        return RequestResult(arrival, sent, outcome, stream.first_token, done, why)

    try:
        async with (
            asyncio.timeout(limit_seconds),
            session.post(f"{url}/v1/completions", json=body_of(model, arrival)) as answer,
        ):
            if answer.status in (429, 503) and "Retry-After" in answer.headers:
                return result(RequestOutcome.REFUSED, f"{answer.status}: {_first_words(await answer.text())}")
            if answer.status != 200:
                return result(RequestOutcome.LOST, f"{answer.status}: {_first_words(await answer.text())}")
            async for line in answer.content:
                stream.take(line, clock)
        fault = stream.fault(arrival.output_tokens)
        return result(RequestOutcome.LOST if fault else RequestOutcome.ANSWERED, fault)
    except TimeoutError:
        return result(RequestOutcome.LOST, f"no full answer within {limit_seconds:g} s")
    except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError) as error:
        return result(RequestOutcome.LOST, f"{type(error).__name__}: {error}")


def _first_words(text: str, most: int = 160) -> str:
    """The message of an OpenAI error, or the beginning of whatever came."""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        text = str(json.loads(text)["error"]["message"])
    return text[:most]
