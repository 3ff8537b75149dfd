"""The downloader's program, as the pod starts it, with the real huggingface_hub against a hub of the tests' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.serving.manifests.download import PROGRAM
from planning.model import HUB_CACHE
from planning.serving.companions import ADAPTER_FILES, snapshot
from planning.serving.files import load_formats
from tests.components.serving.hub import REVISION, Repositories, hub

AUTO = load_formats()["auto"]
INDEX = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
BESIDE = {"config.json": b"{}", "tokenizer.json": b"{ }", "README.md": b"words", "chat_template.jinja": b"x"}
# As openai/gpt-oss-20b: the weights three times.
THREE_TIMES = {
    **BESIDE,
    "model-00001-of-00002.safetensors": b"1" * 10,
    "model-00002-of-00002.safetensors": b"2" * 10,
    "model.safetensors.index.json": INDEX.encode(),
    "original/model.safetensors": b"3" * 20,
    "metal/model.bin": b"4" * 20,
}


def fetch(
    folder: Path, files: dict[str, bytes], load_format: str = "auto", room: int = 10**6, times: int = 1
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    repositories: Repositories = {"org/model": files}
    chosen = load_formats()[load_format]
    one = {"repository": "org/model", "revision": REVISION, "weights": list(chosen.weights), "index": chosen.index}
    request = json.dumps({"repositories": [one], "room_bytes": room})
    with hub(repositories) as (address, fetched):
        for _ in range(times):
            result = _run(folder, address, request)
    return result, sorted(set(fetched))


def _run(folder: Path, address: str, request: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": address, "HF_HUB_CACHE": str(folder / "hub"), "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-c", PROGRAM, request]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def weights(fetched: list[str]) -> list[str]:
    return [name for name in fetched if name.endswith((".safetensors", ".bin", ".pt", ".gguf", ".pth"))]


def test_of_a_repository_that_holds_its_weights_three_times_one_is_fetched(tmp_path: Path) -> None:
    result, fetched = fetch(tmp_path, THREE_TIMES)
    assert result.returncode == 0, result.stderr
    assert weights(fetched) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert {"config.json", "tokenizer.json", "chat_template.jinja"} <= set(fetched)
    assert "README.md" not in fetched
    snapshot = tmp_path / "hub" / "models--org--model" / "snapshots" / REVISION
    assert (snapshot / "model-00001-of-00002.safetensors").read_bytes() == b"1" * 10


@pytest.mark.parametrize(
    ("files", "load_format", "expected"),
    [
        (["model.safetensors", "consolidated.safetensors", "pytorch_model.bin"], "auto", ["model.safetensors"]),
        (["consolidated.safetensors", "params.json"], "auto", ["consolidated.safetensors"]),
        (["model.safetensors", "consolidated.safetensors"], "mistral", ["consolidated.safetensors"]),
        (["pytorch_model-00001-of-00002.bin", "training_args.bin"], "auto", ["pytorch_model-00001-of-00002.bin"]),
        (["flax_model.msgpack", "rust_model.ot", "pytorch_model.bin"], "auto", ["pytorch_model.bin"]),
        (["model.safetensors", "onnx/model.bin", "q4.gguf"], "safetensors", ["model.safetensors"]),
        (["model.pt", "model.safetensors"], "pt", ["model.pt"]),
    ],
)
def test_the_first_kind_that_the_server_would_take_is_fetched(
    tmp_path: Path, files: list[str], load_format: str, expected: list[str]
) -> None:
    result, fetched = fetch(tmp_path, {**BESIDE, **{name: name.encode() for name in files}}, load_format)
    assert result.returncode == 0, result.stderr
    assert weights(fetched) == expected


def test_shards_that_the_index_does_not_name_stay_away(tmp_path: Path) -> None:
    _, fetched = fetch(tmp_path, {**THREE_TIMES, "model-fp32.safetensors": b"5" * 99})
    assert "model-fp32.safetensors" not in fetched


def test_what_is_too_large_for_the_cache_is_said_before_the_first_byte(tmp_path: Path) -> None:
    result, fetched = fetch(tmp_path, THREE_TIMES, room=15)
    assert result.returncode != 0
    assert "the cache has" in result.stderr
    assert weights(fetched) == []


def test_a_repository_without_weights_for_the_server_is_said(tmp_path: Path) -> None:
    result, _ = fetch(tmp_path, {**BESIDE, "q4_k_m.gguf": b"6"})
    assert result.returncode != 0
    assert "has none of the weights that the server reads: *.safetensors" in result.stderr


def test_a_pod_that_starts_again_asks_nobody(tmp_path: Path) -> None:
    first, _ = fetch(tmp_path, THREE_TIMES)
    assert first.returncode == 0
    chosen = {"repository": "org/model", "revision": REVISION, "weights": list(AUTO.weights), "index": AUTO.index}
    again = _run(tmp_path, "http://127.0.0.1:9", json.dumps({"repositories": [chosen], "room_bytes": 10**6}))
    assert again.returncode == 0, again.stderr
    assert "everything is there" in again.stdout


def test_an_adapter_comes_as_its_weights_and_its_configuration(tmp_path: Path) -> None:
    files = {
        **BESIDE,
        "adapter_config.json": b"{}",
        "adapter_model.safetensors": b"1" * 10,
        "adapter_model.bin": b"2" * 10,
        "checkpoint-500/adapter_model.safetensors": b"3" * 10,
        "optimizer.pt": b"4" * 10,
    }
    one = {"repository": "org/model", "revision": REVISION, "weights": list(ADAPTER_FILES), "index": None}
    with hub({"org/model": files}) as (address, fetched):
        result = _run(tmp_path, address, json.dumps({"repositories": [one], "room_bytes": 10**6}))
    assert result.returncode == 0, result.stderr
    assert weights(sorted(set(fetched))) == ["adapter_model.safetensors"]
    path = tmp_path / "hub" / snapshot("org/model", REVISION).removeprefix(f"{HUB_CACHE}/")
    assert (path / "adapter_config.json").exists()
    assert (path / "adapter_model.safetensors").exists()
