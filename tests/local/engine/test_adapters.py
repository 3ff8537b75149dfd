"""LoRA adapters that are loaded while an engine runs, in vLLM's words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.engine.adapters import named
from local.engine.engine import Engine
from tests.local.engine import adapter_cases
from tests.local.engine.simulated import FakeApi, client_of, engine, fleet, pod, run, settle

LOAD, UNLOAD = adapter_cases.LOAD, adapter_cases.UNLOAD
SEEN = Path(adapter_cases.__file__).with_name("vllm-0.32.0-adapters.json")


def _changing(*flags: str) -> Engine:
    made = engine(*flags)
    made.config = replace(made.config, adapters_may_change=True)
    return made


async def _post(client: Any, path: str, body: dict[str, Any]) -> tuple[int, str]:
    async with client.post(path, json=body) as answer:
        return answer.status, await answer.text()


def test_a_loaded_adapter_is_listed_and_asked_by_its_name_until_it_is_unloaded() -> None:
    async def work() -> None:
        async with client_of(_changing("--enable-lora")) as client:
            added = await _post(client, LOAD, {"lora_name": "sql", "lora_path": "/adapters/sql"})
            assert added == (200, "Success: LoRA adapter 'sql' added successfully.")
            cards = (await (await client.get("/v1/models")).json())["data"]
            assert [(card["id"], card["root"], card["parent"]) for card in cards][1:] == [
                ("sql", "/adapters/sql", cards[0]["id"])
            ]
            asked = {"model": "sql", "prompt": "x", "max_tokens": 1}
            assert (await _post(client, "/v1/completions", asked))[0] == 200
            again = await _post(client, LOAD, {"lora_name": "sql", "lora_path": "/other"})
            assert again[0] == 400
            assert "has already been loaded" in again[1]
            inplace = {"lora_name": "sql", "lora_path": "/other", "load_inplace": True}
            assert (await _post(client, LOAD, inplace))[0] == 200
            removed = await _post(client, UNLOAD, {"lora_name": "sql"})
            assert removed == (200, "Success: LoRA adapter 'sql' removed successfully.")
            status, text = await _post(client, "/v1/completions", asked)
            assert status == 404
            assert "Valid aliases: Qwen/Qwen3-0.6B." in text

    run(work)


def test_a_client_is_told_what_the_real_vllm_tells_it() -> None:
    """Seen by tests/e2e/test_real_adapters.py."""

    async def work() -> None:
        async with client_of(_changing("--enable-lora", f"--served-model-name={adapter_cases.MODEL}")) as client:
            seen = await adapter_cases.observe(client.session, str(client.make_url("")), "/first", "/second")
        assert json.loads(json.dumps(seen)) == json.loads(SEEN.read_text())

    run(work)


@pytest.mark.parametrize(
    ("flags", "path", "body", "status", "told"),
    [
        ((), LOAD, {"lora_name": "sql", "lora_path": "/x"}, 500, "Use --enable-lora"),
        (("--enable-lora",), LOAD, {"lora_name": "", "lora_path": "/x"}, 400, "must be provided"),
        (("--enable-lora",), LOAD, {"lora_name": "sql"}, 400, "lora_path"),
        (("--enable-lora",), LOAD, {"lora_name": "Qwen/Qwen3-0.6B", "lora_path": "/x"}, 400, "conflicts with"),
        (("--enable-lora",), UNLOAD, {"lora_name": "sql"}, 404, "cannot be found"),
    ],
)
def test_what_vllm_refuses_is_refused(
    flags: tuple[str, ...], path: str, body: dict[str, Any], status: int, told: str
) -> None:
    async def work() -> None:
        async with client_of(_changing(*flags)) as client:
            answered, text = await _post(client, path, body)
            assert answered == status
            assert told in text

    run(work)


@pytest.mark.parametrize(("value", "status"), [("1", 200), ("true", 200), ("0", 404), (None, 404)])
def test_the_paths_are_there_only_where_the_variable_says_so(value: str | None, status: int) -> None:
    async def work() -> None:
        pods = fleet(FakeApi())
        env = [] if value is None else [{"name": "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "value": value}]
        pods.on_pod("ADDED", pod("qwen-0", "--enable-lora", env=env))
        await settle()
        served = pods.engine("models", "qwen-0")
        assert served is not None
        async with client_of(served) as client:
            assert (await _post(client, LOAD, {"lora_name": "sql", "lora_path": "/x"}))[0] == status

    run(work)


def test_adapters_of_the_command_line_are_names_from_the_start() -> None:
    modules = ("sql=/adapters/sql", '{"name": "chat", "path": "/adapters/chat", "base_model_name": "x"}')
    assert named(modules) == {"sql": "/adapters/sql", "chat": "/adapters/chat"}
