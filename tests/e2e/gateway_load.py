"""Load through the gateway while something is done to a model's pods: streams, and answers that come whole."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from local.load.arrivals import Arrival
from local.load.client import RequestOutcome, RequestResult, send
from tests.e2e.gateway_client import HOST, Gateway
from tests.e2e.loading import REPORTS

PROMPT_TOKENS = 64
Result = TypeVar("Result")


class _Here(AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def session_with(gateway: Gateway, key: str) -> aiohttp.ClientSession:
    """A client of the gateway; has to be made within a running loop."""
    connector = aiohttp.TCPConnector(resolver=_Here(), ssl=gateway.tls, limit=0)
    return aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {key}"})


def url_of(gateway: Gateway) -> str:
    """The one address, on this machine's port."""
    return f"https://{HOST}:{gateway.port}"


async def _at_a_rate(
    ask: Callable[[int], Awaitable[Result]], per_second: float, count: int, meanwhile: Callable[[], None]
) -> list[Result]:
    """So many requests, each by its number, however long the answers take."""
    work = asyncio.create_task(asyncio.to_thread(meanwhile))
    sent: list[asyncio.Future[Result]] = []
    for number in range(count):
        sent.append(asyncio.ensure_future(ask(number)))
        await asyncio.sleep(1 / per_second)
    results = await asyncio.gather(*sent)
    await work
    return list(results)


async def _one_after_another(
    ask: Callable[[int], Awaitable[Result]], clients: int, meanwhile: Callable[[], None]
) -> list[Result]:
    """So many clients until `meanwhile` has ended: a server that is slow gets fewer requests."""
    work = asyncio.create_task(asyncio.to_thread(meanwhile))
    numbers, results = itertools.count(), list[Result]()

    async def client() -> None:
        while not work.done():
            results.append(await ask(next(numbers)))

    await asyncio.gather(*(client() for _ in range(clients)))
    await work
    return results


def _stream(
    session: aiohttp.ClientSession, gateway: Gateway, tokens: Sequence[int], limit_seconds: float
) -> Callable[[int], Awaitable[RequestResult]]:
    """A stream of the model `chat`; its tokens in turn."""
    clock = time.monotonic

    async def one(number: int) -> RequestResult:
        arrival = Arrival(clock(), PROMPT_TOKENS, tokens[number % len(tokens)])
        return await send(session, url_of(gateway), "chat", arrival, limit_seconds, clock)

    return one


async def streams(
    gateway: Gateway, key: str, per_second: float, count: int, meanwhile: Callable[[], None]
) -> list[RequestResult]:
    """So many streams of 60 tokens at this rate."""
    async with session_with(gateway, key) as session:
        return await _at_a_rate(_stream(session, gateway, (60,), 120), per_second, count, meanwhile)


async def streams_of_clients(
    gateway: Gateway,
    key: str,
    clients: int,
    meanwhile: Callable[[], None],
    tokens: Sequence[int],
    limit_seconds: float,
) -> list[RequestResult]:
    """Streams one after another by each client. `tokens`: of an answer; `limit_seconds`: for a whole one."""
    async with session_with(gateway, key) as session:
        return await _one_after_another(_stream(session, gateway, tokens, limit_seconds), clients, meanwhile)


def _whole(session: aiohttp.ClientSession, gateway: Gateway, tokens: int) -> Callable[[int], Awaitable[str]]:
    """An answer that is no stream: its first byte is its last, so it may be asked for again."""
    body = {"model": "chat", "prompt": "x", "max_tokens": tokens, "ignore_eos": True}

    async def one(_: int) -> str:
        try:
            async with session.post(f"{url_of(gateway)}/v1/completions", json=body) as answer:
                told = await answer.json() if answer.status == 200 else {}
                came = (told.get("usage") or {}).get("completion_tokens")
                return "answered" if came == tokens else f"{answer.status}, {came} tokens"
        except aiohttp.ClientError as error:
            return f"{type(error).__name__}: {error}"

    return one


async def whole_answers(
    gateway: Gateway, key: str, per_second: float, count: int, meanwhile: Callable[[], None]
) -> list[str]:
    """What came of so many answers of 60 tokens that are no streams, asked for at this rate."""
    async with session_with(gateway, key) as session:
        return await _at_a_rate(_whole(session, gateway, 60), per_second, count, meanwhile)


async def whole_answers_of_clients(
    gateway: Gateway, key: str, clients: int, meanwhile: Callable[[], None], tokens: int
) -> list[str]:
    """The same, one after another by each of so many clients."""
    async with session_with(gateway, key) as session:
        return await _one_after_another(_whole(session, gateway, tokens), clients, meanwhile)


def lost(name: str, results: Sequence[RequestResult]) -> list[str]:
    """Why requests were lost, and when; what became of all goes into a file."""
    REPORTS.mkdir(exist_ok=True)
    counts = {str(outcome): sum(result.outcome is outcome for result in results) for outcome in RequestOutcome}
    (REPORTS / f"{name}.json").write_text(json.dumps(counts, indent=2))
    first = min(result.sent for result in results)
    return [
        f"sent after {result.sent - first:.1f} s: {result.why}"
        for result in results
        if result.outcome is not RequestOutcome.ANSWERED
    ]
