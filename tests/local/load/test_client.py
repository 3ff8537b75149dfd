"""What counts as a full answer, as a refusal with leave to retry, and as lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from local.load.arrivals import Arrival
from local.load.client import RequestOutcome, RequestResult, send
from local.load.sender import Sender
from tests.local.load.served import Answer, event, served, whole

ASKED = Arrival(0.0, 7, 3)


def outcome(answer: Answer, limit_seconds: float = 5.0) -> RequestResult:
    async def work() -> RequestResult:
        async with served(answer) as (url, _), aiohttp.ClientSession() as session:
            return await send(session, url, "qwen", ASKED, limit_seconds, time.monotonic)

    return asyncio.run(work())


async def _written(request: web.BaseRequest, *pieces: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    return response


def test_all_tokens_and_the_end_of_the_stream_are_a_full_answer() -> None:
    result = outcome(lambda request, body: whole(request, body, pause_seconds=0.01))
    assert result.outcome is RequestOutcome.ANSWERED
    assert result.ttft_seconds is not None
    assert result.end_to_end_seconds is not None
    assert 0 < result.ttft_seconds < result.end_to_end_seconds


def test_the_request_asks_for_exactly_these_lengths() -> None:
    async def work() -> list[dict[str, Any]]:
        async with served(whole) as (url, bodies), aiohttp.ClientSession() as session:
            await send(session, url, "qwen", ASKED, 5.0, time.monotonic)
            return bodies

    (body,) = asyncio.run(work())
    assert len(body["prompt"]) == 7
    assert (body["max_tokens"], body["ignore_eos"], body["model"]) == (3, True, "qwen")


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_with_retry_after_may_be_retried(status: int) -> None:
    async def refuse(_: web.BaseRequest, __: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no endpoint"}}, status=status, headers={"Retry-After": "5"})

    result = outcome(refuse)
    assert (result.outcome, result.why) == (RequestOutcome.REFUSED, f"{status}: no endpoint")
    assert result.ttft_seconds is None


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_refusal_without_a_word_about_retrying_is_lost(status: int) -> None:
    async def refuse(_: web.BaseRequest, __: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, text="no")

    result = outcome(refuse)
    assert (result.outcome, result.why) == (RequestOutcome.LOST, f"{status}: no")


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([event("x"), event("x", "abort"), event(None, usage=2), b"data: [DONE]\n\n"], "finish_reason abort"),
        ([event("x"), event("x", "length"), event(None, usage=3)], "broke off"),
        ([event("x", "length"), event(None, usage=1), b"data: [DONE]\n\n"], "1 of 3 tokens"),
        ([event("x")], "finish_reason None"),
        ([], "finish_reason None"),
        ([b"data: {\n\n"], "JSONDecodeError"),
    ],
)
def test_half_an_answer_is_lost_and_says_how(pieces: list[bytes], why: str) -> None:
    result = outcome(lambda request, _: _written(request, *pieces))
    assert result.outcome is RequestOutcome.LOST
    assert why in result.why


def test_a_connection_cut_in_the_middle_is_lost() -> None:
    async def cut(request: web.BaseRequest, _: dict[str, Any]) -> web.StreamResponse:
        response = await _written(request, event("x"))
        assert request.transport is not None
        request.transport.abort()
        return response

    result = outcome(cut)
    assert result.outcome is RequestOutcome.LOST
    assert result.why.startswith("Client")


def test_nobody_there_is_lost() -> None:
    async def work() -> RequestResult:
        async with aiohttp.ClientSession() as session:
            return await send(session, "http://127.0.0.1:9", "qwen", ASKED, 5.0, time.monotonic)

    assert asyncio.run(work()).outcome is RequestOutcome.LOST


def test_an_answer_that_takes_too_long_is_lost() -> None:
    result = outcome(lambda request, body: whole(request, body, pause_seconds=0.2), limit_seconds=0.1)
    assert (result.outcome, result.why) == (RequestOutcome.LOST, "no full answer within 0.1 s")


def _run(answer: Answer, planned: list[Arrival], most_in_flight: int = 50, stop_at: float | None = None) -> Sender:
    async def work() -> Sender:
        async with served(answer) as (url, _):
            sender, stop = Sender(url, "qwen", most_in_flight, 5.0), asyncio.Event()
            if stop_at is not None:
                asyncio.get_running_loop().call_later(stop_at, stop.set)
            await asyncio.wait_for(sender.run(planned, stop), 20)
            return sender

    return asyncio.run(work())


def test_requests_leave_at_their_moments_whatever_the_answers_take() -> None:
    """Open loop: all are sent before the first has its answer."""
    planned = [Arrival(0.02 * n, 5, 2) for n in range(10)]
    sender = _run(lambda request, body: whole(request, body, pause_seconds=0.5), planned)
    assert sender.counts == {RequestOutcome.ANSWERED: 10}
    assert max(r.sent for r in sender.results) < min(r.done for r in sender.results if r.done)
    assert all(r.sent >= r.arrival.seconds for r in sender.results)


def test_more_than_allowed_in_flight_are_not_sent_and_counted() -> None:
    planned = [Arrival(0.0, 5, 2)] * 5
    sender = _run(lambda request, body: whole(request, body, pause_seconds=0.2), planned, most_in_flight=2)
    assert sender.counts == {RequestOutcome.ANSWERED: 2, RequestOutcome.UNSENT: 3}
    assert sender.sent == 2


def test_each_request_has_a_connection_of_its_own() -> None:
    seen: list[tuple[str, int]] = []

    async def note(request: web.BaseRequest, body: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        seen.append(request.transport.get_extra_info("peername"))
        return await whole(request, body)

    _run(note, [Arrival(0.05 * n, 5, 2) for n in range(4)])
    assert len(set(seen)) == 4


def test_a_stopped_run_keeps_what_it_has_and_sends_no_more() -> None:
    planned = [Arrival(0.0, 5, 1), Arrival(60.0, 5, 1)]
    sender = _run(whole, planned, stop_at=0.3)
    assert sender.counts == {RequestOutcome.ANSWERED: 1}
    assert sender.sent == 1
