"""The OpenAI API of a simulated engine: answers, streams and refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from local.engine.engine import Engine, EngineState
from tests.local.engine.simulated import SLOW, client_of, engine, run

HELLO = {"messages": [{"role": "user", "content": "hello"}]}


def _ask(served: Engine, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    result: list[tuple[int, Any]] = []

    async def work() -> None:
        async with client_of(served) as client:
            method = "GET" if body is None else "POST"
            data = body if isinstance(body, str) else json.dumps(body)
            answer = await client.request(method, path, data=None if body is None else data, headers=headers)
            text = await answer.text()
            try:
                result.append((answer.status, json.loads(text)))
            except ValueError:
                result.append((answer.status, text))

    run(work)
    return result[0]


def _events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_the_model_card_says_that_it_is_simulated() -> None:
    status, listed = _ask(engine("--served-model-name", "qwen", "alias"), "/v1/models")
    assert status == 200
    assert [card["id"] for card in listed["data"]] == ["qwen", "alias"]
    card = listed["data"][0]
    assert card["simulated"] is True
    assert card["owned_by"] == "vllm-simulated"
    assert (card["root"], card["max_model_len"]) == ("Qwen/Qwen3-0.6B", 4096)


def test_a_chat_answer_says_that_it_is_simulated_and_counts_its_tokens() -> None:
    status, answer = _ask(engine("--served-model-name=q"), "/v1/chat/completions", {"model": "q", **HELLO})
    assert status == 200
    choice = answer["choices"][0]
    words = choice["message"]["content"].split()
    assert words[0] == "Simulated"
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == len(words)
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + len(words)
    assert (answer["object"], answer["model"]) == ("chat.completion", "q")


@pytest.mark.parametrize(
    ("limits", "tokens", "reason"),
    [
        ({"max_tokens": 5}, 5, "length"),
        ({"max_completion_tokens": 4, "max_tokens": 9}, 4, "length"),
        ({"max_tokens": 100, "ignore_eos": True}, 100, "length"),
        ({"max_tokens": 90, "min_tokens": 60}, 60, "stop"),
    ],
)
def test_limits_are_kept(limits: dict[str, Any], tokens: int, reason: str) -> None:
    _, answer = _ask(engine(), "/v1/chat/completions", {**HELLO, **limits})
    assert answer["usage"]["completion_tokens"] == tokens
    assert answer["choices"][0]["finish_reason"] == reason


def test_a_completion_without_a_limit_has_sixteen_tokens() -> None:
    _, answer = _ask(engine(), "/v1/completions", {"prompt": "hello"})
    assert answer["usage"]["completion_tokens"] == 16
    assert answer["choices"][0]["text"].startswith("Simulated answer")


def test_several_prompts_and_several_answers_are_all_made() -> None:
    _, answer = _ask(engine(), "/v1/completions", {"prompt": ["a", "b"], "n": 2, "max_tokens": 3})
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] == 12


def test_a_chat_stream_brings_role_words_reason_and_usage() -> None:
    body = {**HELLO, "max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}
    status, text = _ask(engine(), "/v1/chat/completions", body)
    events = _events(text)
    assert status == 200
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(e["choices"][0]["delta"]["content"] for e in events[:-1]) == "Simulated answer: no model"
    reasons = [event["choices"][0]["finish_reason"] for event in events[:-1]]
    assert reasons[-1] == "length"
    assert set(reasons[:-1]) == {None}
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == 4


def test_a_stream_without_the_option_has_no_usage() -> None:
    _, text = _ask(engine(), "/v1/completions", {"prompt": "x", "max_tokens": 3, "stream": True})
    events = _events(text)
    assert "".join(event["choices"][0]["text"] for event in events) == "Simulated answer: no"
    assert all("usage" not in event for event in events)


def test_a_stream_comes_as_it_is_made() -> None:
    served = engine(rates=SLOW)

    async def work() -> None:
        async with client_of(served) as client:
            body = {"prompt": "x", "max_tokens": 50, "ignore_eos": True, "stream": True}
            answer = await client.post("/v1/completions", json=body)
            await answer.content.readline()
            assert served.in_flight == 1  # the first words are here while the rest is being made
            rest = await answer.text()
            assert rest.count("data: ") > 10

    run(work)


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "message"),
    [
        ("/v1/chat/completions", {"model": "x", **HELLO}, 404, "NotFoundError", "Valid aliases: Qwen/Qwen3-0.6B."),
        ("/v1/chat/completions", {"model": "Qwen/Qwen3-0.6B"}, 400, "Bad Request", "'loc': 'body.messages'"),
        ("/v1/chat/completions", {"messages": []}, 400, "Bad Request", "1 validation error:"),
        ("/v1/completions", "{", 400, "Bad Request", "JSON decode error"),
        ("/v1/completions", {"prompt": "x", "n": 0}, 400, "BadRequestError", "n must be at least 1, got 0."),
        ("/v1/completions", {"prompt": "x", "max_tokens": 0}, 400, "BadRequestError", "max_tokens must be at least 1"),
        ("/v1/completions", {"prompt": "x", "temperature": -1}, 400, "BadRequestError", "must be non-negative"),
        ("/v1/completions", {"prompt": "x", "stream_options": {}}, 400, "BadRequestError", "`stream=True`"),
        ("/v1/completions", {"prompt": []}, 400, "BadRequestError", "at least one prompt"),
    ],
)
def test_a_wrong_request_is_refused_as_vllm_refuses_it(
    path: str, body: Any, status: int, kind: str, message: str
) -> None:
    got, answer = _ask(engine(), path, body)
    assert got == status
    assert answer["error"]["code"] == status
    assert answer["error"]["type"] == kind
    assert message in answer["error"]["message"]


def test_a_prompt_longer_than_the_context_is_refused_in_vllms_words() -> None:
    status, answer = _ask(engine(max_model_len=100), "/v1/completions", {"prompt": [1] * 250})
    assert status == 400
    assert answer["error"]["param"] == "input_tokens"
    assert answer["error"]["message"].startswith(
        "This model's maximum context length is 100 tokens. However, your prompt contains 250 input tokens, "
        "which exceeds this limit even without any output tokens."
    )


def test_a_budget_larger_than_the_room_left_is_cut_not_refused() -> None:
    body = {"prompt": [1] * 90, "max_tokens": 500, "ignore_eos": True}
    status, answer = _ask(engine(max_model_len=100), "/v1/completions", body)
    assert status == 200
    assert answer["usage"]["completion_tokens"] == 10


def test_a_prompt_that_fills_the_context_gets_no_tokens() -> None:
    _, answer = _ask(engine(max_model_len=100), "/v1/completions", {"prompt": [1] * 100})
    assert answer["usage"]["completion_tokens"] == 0
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/models", None, 401),
        ("/v1/models", "Bearer wrong", 401),
        ("/v1/models", "Bearer right", 200),
        ("/metrics", None, 200),  # vllm#29922: only some paths are protected
        ("/health", None, 200),
    ],
)
def test_an_api_key_protects_only_the_api(path: str, key: str | None, status: int) -> None:
    headers = {"Authorization": key} if key else None
    assert _ask(engine("--api-key=right"), path, headers=headers)[0] == status


def test_small_endpoints_answer() -> None:
    served = engine()
    assert _ask(served, "/health") == (200, "")
    assert _ask(served, "/ping") == (200, "")
    assert _ask(served, "/version") == (200, {"version": "0.33.0", "simulated": True})
    assert _ask(served, "/nothing") == (404, {"detail": "Not Found"})
    assert _ask(served, "/v1/completions") == (405, {"detail": "Method Not Allowed"})


def test_before_the_model_is_loaded_every_path_is_refused() -> None:
    served = engine(serving=False)
    for path in ("/health", "/metrics", "/v1/models"):
        status, answer = _ask(served, path)
        assert status == 503
        assert "connection refused (simulated)" in answer["error"]["message"]


def test_more_requests_than_the_queue_takes_are_turned_away() -> None:
    served = engine("--max-num-queued-reqs=1")
    status, answer = _ask(served, "/v1/completions", {"prompt": "x", "n": 2})
    assert status == 503
    assert answer["error"]["type"] == "Service Unavailable"
    assert answer["error"]["message"].startswith("The engine is currently busy")
    text = served.metrics.exposition().decode()
    assert 'vllm:admission_rejections_total{model_name="Qwen/Qwen3-0.6B",reason="max_num_queued_reqs"} 1.0' in text


def test_a_client_that_goes_away_frees_its_place() -> None:
    served = engine(rates=SLOW)

    async def work() -> None:
        async with client_of(served) as client:
            body = {"prompt": "x", "max_tokens": 900, "ignore_eos": True}
            asking = asyncio.create_task(client.post("/v1/completions", json=body))
            while not served.in_flight:
                await asyncio.sleep(0.005)
            asking.cancel()
            while served.in_flight:
                await asyncio.sleep(0.005)
        assert 'finished_reason="abort",model_name="Qwen/Qwen3-0.6B"} 0.0' in served.metrics.exposition().decode()

    run(work)


def test_after_sigterm_running_requests_finish_and_new_ones_are_ended() -> None:
    served = engine(rates=SLOW)

    async def work() -> None:
        async with client_of(served) as client:
            body = {"prompt": "x", "max_tokens": 15, "ignore_eos": True}
            running = asyncio.create_task(client.post("/v1/completions", json=body))
            while not served.in_flight:
                await asyncio.sleep(0.005)
            drained = asyncio.create_task(served.drain(10))
            await asyncio.sleep(0)
            late = await (await client.post("/v1/completions", json=body)).json()
            assert late["choices"][0]["finish_reason"] == "abort"
            assert late["usage"]["completion_tokens"] == 0
            answer = await (await running).json()
            assert answer["usage"]["completion_tokens"] == 15
            assert await drained == 0
            assert served.state is EngineState.STOPPED
            assert (await client.get("/health")).status == 503

    run(work)


def test_without_a_shutdown_timeout_running_requests_are_cut() -> None:
    served = engine(rates=SLOW)

    async def work() -> None:
        async with client_of(served) as client:
            body = {"prompt": "x", "max_tokens": 900, "ignore_eos": True}
            running = asyncio.create_task(client.post("/v1/completions", json=body))
            while not served.in_flight:
                await asyncio.sleep(0.005)
            assert await served.drain(0) == 1
            answer = await (await running).json()
            assert answer["choices"][0]["finish_reason"] == "abort"
            assert answer["usage"]["completion_tokens"] < 900

    run(work)
