"""LoRA adapters that the real vLLM loads while it runs: what AIBrix and KubeAI ask of their servers.

The simulated engine is held to what is seen here (tests/local/engine/test_adapters.py). The adapters are random, as the
model is: that its answers change shows that their weights were read.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.host.paths import platform_paths
from local.vllm_cpu import weights
from local.vllm_cpu.environment import VERSION, Environment, installed
from local.vllm_cpu.server import Server, free_port
from tests.e2e.real_servers import open_to_servers, until_healthy
from tests.e2e.rendered_stack import Config, server_pod
from tests.golden import assert_matches
from tests.local.engine import adapter_cases

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

SEEN = Path(adapter_cases.__file__).parent / f"vllm-{VERSION}-adapters.json"
RANK = 8
# As PEFT writes one; widths of local/vllm_cpu/tiny_model.py.
WRITE = f"""
import json, pathlib, sys, torch
from safetensors.torch import save_file
for number, folder in enumerate(sys.argv[1:]):
    folder = pathlib.Path(folder)
    folder.mkdir()
    torch.manual_seed(number)
    tensors = {{}}
    for layer in range(2):
        name = f"base_model.model.model.layers.{{layer}}.self_attn.o_proj"
        tensors[f"{{name}}.lora_A.weight"] = torch.randn({RANK}, 128)
        tensors[f"{{name}}.lora_B.weight"] = torch.randn(128, {RANK})
    save_file(tensors, folder / "adapter_model.safetensors")
    described = dict(peft_type="LORA", r={RANK}, lora_alpha=64, target_modules=["o_proj"], bias="none",
                     task_type="CAUSAL_LM", base_model_name_or_path="none")
    (folder / "adapter_config.json").write_text(json.dumps(described))
"""


def _settings(config: Config) -> None:
    config["models"][0] |= {
        "maxModelLen": 2048,
        "maxNumSeqs": 4,
        "enforceEager": True,
        "servedName": adapter_cases.MODEL,
    }


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    environment = installed(platform_paths())
    assert environment is not None
    folder = tmp_path_factory.mktemp("adapters")
    open_to_servers(folder)
    names = (str(folder / "first"), str(folder / "second"))
    subprocess.run([str(environment.python), "-c", WRITE, *names], check=True, capture_output=True)
    return names


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment: Environment | None = installed(platform_paths())
    assert environment is not None
    spec: dict[str, Any] = server_pod("local", _settings)
    folder = tmp_path_factory.mktemp("pod")
    open_to_servers(folder)
    (folder / "root").mkdir()
    container = spec["containers"][0]
    container["env"].append({"name": "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "value": "1"})
    server = Server(environment, spec, container, folder / "root", folder / "vllm.log", free_port())
    server.lay_out()
    weights.fill(environment, container, None, server.hub_cache, print)
    server.start(["--enable-lora", f"--max-lora-rank={RANK}"])
    try:
        until_healthy(server)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.kill()
        print(server.log.read_text()[-3000:])


def test_the_real_vllm_says_of_adapters_what_the_simulated_one_is_held_to(url: str, adapters: tuple[str, str]) -> None:
    async def observed() -> dict[str, Any]:
        async with aiohttp.ClientSession(trust_env=False) as session:
            return await adapter_cases.observe(session, url, *adapters)

    assert_matches(SEEN, json.dumps(asyncio.run(observed()), indent=1) + "\n")


def test_a_loaded_adapter_changes_what_is_said_and_another_one_in_its_place_again(
    url: str, adapters: tuple[str, str]
) -> None:
    async def said() -> list[str]:
        async with aiohttp.ClientSession(trust_env=False) as session:

            async def text(model: str) -> str:
                body = {"model": model, "prompt": [65] * 8, "max_tokens": 24, "temperature": 0, "ignore_eos": True}
                async with session.post(f"{url}/v1/completions", json=body) as answer:
                    told: str = (await answer.json())["choices"][0]["text"]
                    return told

            texts = [await text(adapter_cases.MODEL)]
            for path in adapters:
                body = {"lora_name": "sql", "lora_path": path, "load_inplace": True}
                async with session.post(url + adapter_cases.LOAD, json=body) as answer:
                    assert answer.status == 200, await answer.text()
                texts.append(await text("sql"))
            return [*texts, await text(adapter_cases.MODEL)]

    base, first, second, after = asyncio.run(said())
    assert len({base, first, second}) == 3
    assert after == base


def test_a_folder_without_an_adapter_is_not_taken(url: str, tmp_path: Path) -> None:
    """Not simulated: the simulated engine reads no weights."""

    async def refused() -> tuple[int, str]:
        async with aiohttp.ClientSession(trust_env=False) as session:
            body = {"lora_name": "none", "lora_path": str(tmp_path / "none")}
            async with session.post(url + adapter_cases.LOAD, json=body) as answer:
                return answer.status, await answer.text()

    status, text = asyncio.run(refused())
    assert status == 404
    assert "none" in text
