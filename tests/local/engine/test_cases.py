"""The simulated engine against what the real one was seen to do: the same client, the same list of cases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

from local.engine import flags
from local.engine.engine import Engine, SimulatedEngineConfig
from local.engine.openai_api import handle
from local.engine.rates import EngineRates
from tests.local.engine import cases

# An answer of LONG tokens takes four seconds: requests that come meanwhile meet it even on a busy machine.
RATES = EngineRates(1e6, 0.0, 0.0, 65536, step_overhead_seconds=0.007)
SEEN = Path(__file__).parent / "vllm-0.32.0.json"


def _with_engine(work: Callable[[cases.Target, Engine], Awaitable[None]], serving: bool = True) -> None:
    parsed = flags.parse([cases.MODEL, *cases.ARGUMENTS], (0, 32, 0))
    engine = Engine(SimulatedEngineConfig("models/qwen-0", parsed, RATES, cases.MAX_MODEL_LEN, 2, 2048, "0.32.0"))

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await handle(engine, request, request.path)

    async def whole() -> None:
        drains: list[asyncio.Task[int]] = []

        async def terminate() -> None:
            drains.append(asyncio.create_task(engine.drain(60)))

        async def gone() -> None:
            await asyncio.gather(*drains)

        async with RawTestServer(answer, handler_cancellation=True) as server:
            if serving:
                engine.start_serving()
            await work(cases.Target(str(server.make_url("")).rstrip("/"), terminate, gone), engine)

    asyncio.run(asyncio.wait_for(whole(), 90))


def test_the_simulated_engine_does_in_every_case_what_the_real_one_was_seen_to_do() -> None:
    async def work(target: cases.Target, _: Engine) -> None:
        seen: dict[str, Any] = json.loads(json.dumps(await cases.observe(target)))
        expected: dict[str, Any] = json.loads(SEEN.read_text())["cases"]
        for case, what in expected.items():
            assert seen[case] == what, case

    _with_engine(work)


def test_before_the_model_is_loaded_nobody_listens() -> None:
    async def work(target: cases.Target, _: Engine) -> None:
        assert await cases.loading(target) == json.loads(SEEN.read_text())["loading"]

    _with_engine(work, serving=False)


def test_the_simulated_engine_has_every_series_of_the_real_one_and_no_other() -> None:
    """Names, labels and bounds of buckets; the labels of cache_config_info are too many to be worth it."""

    async def work(target: cases.Target, _: Engine) -> None:
        ours = cases.families(await cases.series(target))
        assert ours == json.loads(SEEN.read_text())["series"]

    _with_engine(work)
