"""What a client meets at an engine, written once for both: the simulated one and the real vLLM.

`observe` asks and returns what was seen; vllm-0.32.0.json beside it is what vLLM 0.32.0 on a CPU answered on
2026-11-27. The simulated engine is held to it in `make test`, the real one by `make e2e ENGINE=vllm`: a difference is a
fault of the simulation. The engine under test serves MODEL with ARGUMENTS.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

MODEL = "Qwen/Qwen2.5-7B-Instruct"
MAX_MODEL_LEN = 8192
ARGUMENTS = (f"--max-model-len={MAX_MODEL_LEN}", "--max-num-seqs=2", "--max-num-queued-reqs=4", "--shutdown-timeout=60")
PROMPT = [65] * 20
LONG, SHORT = 600, 5
"""Tokens of an answer that is still under way a second later, and of one that is not."""

Seen = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """An engine that serves: where, how it gets SIGTERM, and how one waits until its process is gone."""

    url: str
    terminate: Callable[[], Awaitable[None]]
    gone: Callable[[], Awaitable[None]]


def body(tokens: int = SHORT, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "prompt": PROMPT, "max_tokens": tokens, "ignore_eos": True, **more}


def _told(status: int, text: str) -> Seen:
    """An answer without what differs from run to run (ids, times, words)."""
    try:
        answer = json.loads(text)
    except ValueError:
        return {"status": status, "body": text}
    if "choices" in answer:
        choice = answer["choices"][0]
        words = choice["text"] if "text" in choice else choice["message"]["content"]
        return {
            "status": status,
            "object": answer["object"],
            "model": answer["model"],
            "says something": bool(words),
            "finish_reason": choice["finish_reason"],
            "completion_tokens": answer["usage"]["completion_tokens"],
        }
    return {"status": status, "body": answer}


async def ask(session: aiohttp.ClientSession, target: Target, sent: Any, path: str = "/v1/completions") -> Seen:
    """POST and what came, or the kind of failure."""
    try:
        options = {"data": sent} if isinstance(sent, str) else {"json": sent}
        headers = {"Content-Type": "application/json"}
        async with session.post(target.url + path, headers=headers, **options) as answer:
            if "X-Simulated-Engine" in answer.headers:
                return {"refused": True}
            return _told(answer.status, await answer.text())
    except aiohttp.ClientConnectorError:
        return {"refused": True}
    except (aiohttp.ClientError, ConnectionError) as error:
        return {"failed": type(error).__name__}


async def status_of(session: aiohttp.ClientSession, target: Target, path: str = "/health") -> Any:
    """Status of a GET; "refused" where nobody takes the connection."""
    try:
        async with session.get(target.url + path) as answer:
            return "refused" if "X-Simulated-Engine" in answer.headers else answer.status
    except (aiohttp.ClientError, ConnectionError):
        return "refused"


async def stream(session: aiohttp.ClientSession, target: Target, tokens: int, **more: Any) -> Seen:
    """A streamed answer to its end: kinds of chunks, not how many."""
    sent = body(tokens, stream=True, stream_options={"include_usage": True}, **more)
    reasons, usage, done = [], None, False
    async with session.post(f"{target.url}/v1/completions", json=sent) as answer:
        async for line in answer.content:
            if line.startswith(b"data: [DONE]"):
                done = True
            elif line.startswith(b"data: "):
                event = json.loads(line[6:])
                reasons += [c["finish_reason"] for c in event["choices"] if c["finish_reason"]]
                usage = event.get("usage") or usage
    return {"reasons": reasons, "tokens": usage and usage["completion_tokens"], "done": done}


async def metrics(session: aiohttp.ClientSession, target: Target) -> dict[str, float]:
    """All of vLLM's samples by name with labels sorted."""
    async with session.get(f"{target.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    outcomes = {}
    for line in lines:
        if line.startswith("vllm:"):
            name, _, value = line.rpartition(" ")
            outcomes[name] = float(value)
    return outcomes


async def figure(session: aiohttp.ClientSession, target: Target, name: str, **labels: str) -> float:
    """One sample of the model's engine."""
    series = await metrics(session, target)
    all_labels = {"engine": "0", "model_name": MODEL, **labels}
    key = ",".join(f'{label}="{value}"' for label, value in sorted(all_labels.items()))
    return series[f"vllm:{name}{{{key}}}"]


async def until(what: Callable[[], Awaitable[bool]], patience_seconds: float = 30.0) -> bool:
    """Whether it came true in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_seconds):
            while not await what():
                await asyncio.sleep(0.05)
            return True
    return False


async def loading(target: Target) -> Seen:
    """Before the model is loaded; the target need not serve."""
    async with aiohttp.ClientSession() as session:
        return {"health": await status_of(session, target), "answer": await ask(session, target, body())}


async def answers(session: aiohttp.ClientSession, target: Target) -> Seen:
    """Good requests."""
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}], "max_tokens": SHORT, "ignore_eos": True}
    async with session.get(f"{target.url}/v1/models") as answer:
        card = (await answer.json())["data"][0]
    return {
        "health": await status_of(session, target),
        "card": {key: card[key] for key in ("id", "object", "root", "max_model_len")},
        "whole": await ask(session, target, body()),
        "chat": await ask(session, target, chat, "/v1/chat/completions"),
        "stream": await stream(session, target, SHORT),
    }


REFUSED_BODIES: dict[str, tuple[Any, str]] = {
    "wrong model": (body() | {"model": "gpt-4"}, "/v1/completions"),
    "prompt too long": (body() | {"prompt": [65] * (MAX_MODEL_LEN + 5)}, "/v1/completions"),
    "negative temperature": (body(temperature=-1), "/v1/completions"),
    "top_p of 0": (body(top_p=0), "/v1/completions"),
    "no tokens": (body(0), "/v1/completions"),
    "no answers": (body(n=0), "/v1/completions"),
    "stream options without stream": (body(stream_options={"include_usage": True}), "/v1/completions"),
    "no messages": ({"model": MODEL}, "/v1/chat/completions"),
    "no JSON": ("{", "/v1/completions"),
}


async def refusals(session: aiohttp.ClientSession, target: Target) -> Seen:
    """Requests that are wrong, and paths that are not there."""
    answers = {name: await ask(session, target, sent, path) for name, (sent, path) in REFUSED_BODIES.items()}
    return {
        **answers,
        "no such path": await status_of(session, target, "/v1/nothing"),
        "GET where POST is meant": await status_of(session, target, "/v1/completions"),
    }


async def abort(session: aiohttp.ClientSession, target: Target) -> Seen:
    """The client leaves: the request no longer runs, and counts nowhere."""
    before = await figure(session, target, "request_success_total", finished_reason="abort")
    leaving = asyncio.create_task(stream(session, target, LONG))

    async def running(count: int) -> bool:
        return await figure(session, target, "num_requests_running") == count

    started = await until(lambda: running(1))
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    ended = await until(lambda: running(0))
    await counters(session, target)  # steps that would have told it
    after = await figure(session, target, "request_success_total", finished_reason="abort")
    return {"ran": started, "counted as abort": after != before, "runs no more": ended}


async def overload(session: aiohttp.ClientSession, target: Target) -> Seen:
    """Twice as many at once as --max-num-queued-reqs lets in."""
    given = await asyncio.gather(*(ask(session, target, body(LONG // 4)) for _ in range(8)))
    refused = [each for each in given if each.get("status") != 200]
    return {
        "statuses": dict(Counter(each.get("status") for each in given)),
        "refused": refused[0] if refused else None,
        "counted": await figure_of_rejections(session, target),
    }


async def figure_of_rejections(session: aiohttp.ClientSession, target: Target) -> float:
    series = await metrics(session, target)
    return series.get(f'vllm:admission_rejections_total{{model_name="{MODEL}",reason="max_num_queued_reqs"}}', -1)


COUNTED = (
    "prompt_tokens_total", "generation_tokens_total", "time_to_first_token_seconds_count",
    "e2e_request_latency_seconds_count", "request_prompt_tokens_sum", "request_generation_tokens_sum",
    "request_params_n_count", "request_queue_time_seconds_count", "prefix_cache_queries_total",
)  # fmt: skip


async def counters(session: aiohttp.ClientSession, target: Target) -> Seen:
    """What two answers of SHORT tokens add, told only once both are counted."""
    before = {name: await figure(session, target, name) for name in COUNTED}
    for _ in range(2):
        await ask(session, target, body())

    async def counted() -> bool:
        name = "e2e_request_latency_seconds_count"
        return await figure(session, target, name) == before[name] + 2

    await until(counted)
    return {name: await figure(session, target, name) - before[name] for name in COUNTED}


async def drain(target: Target) -> Seen:
    """SIGTERM with two answers under way: they end whole; what comes now, on kept and new connections, is aborted."""
    one = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession() as session, aiohttp.ClientSession(connector=one) as kept:
        await ask(kept, target, body())
        under_way = [asyncio.create_task(stream(session, target, LONG)) for _ in range(2)]

        async def both() -> bool:
            return await figure(session, target, "num_requests_running") == 2

        started = await until(both)
        aborts = await figure(session, target, "request_success_total", finished_reason="abort")
        await target.terminate()

        async def aborting() -> bool:
            return (await ask(kept, target, body())).get("finish_reason") == "abort"

        seen: Seen = {"ran": started, "begins to abort": await until(aborting, 10)}
        seen["kept connection"] = await ask(kept, target, body())
        async with aiohttp.ClientSession() as new:
            seen["new connection"] = await ask(new, target, body())
            seen["health"] = await status_of(new, target)
            seen["streamed"] = await stream(new, target, SHORT)
        seen["aborts are counted"] = (
            await figure(session, target, "request_success_total", finished_reason="abort") >= aborts + 3
        )
        seen["those under way"] = [await each for each in under_way]
    await target.gone()
    async with aiohttp.ClientSession() as session:
        seen["after"] = {"health": await status_of(session, target), "answer": await ask(session, target, body())}
    return seen


async def observe(target: Target) -> Seen:
    """All cases but `loading`, in this order; the engine is gone afterwards."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        seen = {
            "answers": await answers(session, target),
            "refusals": await refusals(session, target),
            "counters": await counters(session, target),
            "abort": await abort(session, target),
            "overload": await overload(session, target),
        }
    return {**seen, "drain": await drain(target)}


async def series(target: Target) -> set[str]:
    """Every series of vLLM's own, with its labels, buckets' bounds too."""
    async with aiohttp.ClientSession() as session:
        return set(await metrics(session, target))


# Not simulated, each with its reason.
NOT_SIMULATED = (
    "vllm:cache_config_info",  # a label for each of 40 settings of the cache; nothing of ours reads one
    "vllm:estimated_",  # model FLOPs, without --enable-mfu-metrics always 0
)


def families(names: set[str]) -> dict[str, list[str]]:
    """Series by family: the labels of each, sorted, without the model's name."""
    result: dict[str, list[str]] = {}
    for each in sorted(names):
        name, _, labels = each.partition("{")
        if not name.startswith(NOT_SIMULATED):
            result.setdefault(name, []).append(labels.rstrip("}").replace(f'model_name="{MODEL}"', "model"))
    return result
