"""The command line of vLLM: what is taken, what is refused, and in whose words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from local.engine import flag_table, flags
from local.engine.flags import EngineArguments, UsageError, container_arguments, parse
from planning.versions import vllm_versions

DEFAULT = EngineArguments(model="m", served_names=("m",))
PINNED = vllm_versions.version_of(flag_table.VLLM_VERSION)


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ([], {}),
        (["--model=other"], {}),  # the positional model wins, as in vllm serve
        (["--served-model-name=a"], {"served_names": ("a",)}),
        (["--served-model-name", "a", "b"], {"served_names": ("a", "b")}),
        (["--max-model-len=8192"], {"max_model_len": 8192}),
        (["--max-model-len", "32k"], {"max_model_len": 32000}),
        (["--max-model-len=32K"], {"max_model_len": 32768}),
        (["--max-model-len=auto"], {"max_model_len": -1}),
        (["--max-model-len", "-1"], {"max_model_len": -1}),
        (["--max_num_seqs=64"], {"max_num_seqs": 64}),
        (["--max-num-batched-tokens=2.5k"], {"max_num_batched_tokens": 2500}),
        (["--port=8080"], {"port": 8080}),
        (["--api-key", "k1", "k2"], {"api_keys": ("k1", "k2")}),
        (["-tp", "2"], {"tensor_parallel_size": 2}),
        (["-q", "awq"], {"quantization": "awq"}),
        (["--no-enable-prefix-caching"], {"prefix_caching": False}),
        (["--shutdown-timeout=120"], {"shutdown_timeout_seconds": 120}),
        (["--device-memory-utilization=0.5"], {"gpu_memory_utilization": 0.5}),
        (["--max-num-queued-r=9"], {"max_num_queued_reqs": 9}),  # argparse takes a beginning that is unique
        (["-cc.mode=3", "--kv-transfer-config.a.b", "x"], {}),
        (["--enforce-eager", "--disable-access-log-for-endpoints=/health,/metrics"], {"enforce_eager": True}),
        (["--kv-cache-dtype=fp8", "--dtype=bfloat16"], {"kv_cache_dtype": "fp8", "dtype": "bfloat16"}),
    ],
)
def test_a_command_line_is_read_as_vllm_reads_it(arguments: list[str], changes: dict[str, Any]) -> None:
    assert parse(["m", *arguments]) == replace(DEFAULT, **changes)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--no-such-flag=1"], 2, "vllm: error: unrecognized arguments: --no-such-flag=1"),
        (["--disable-log-requests"], 2, "vllm: error: unrecognized arguments: --disable-log-requests"),
        (["two", "models"], 2, "unrecognized arguments: two models"),
        (["--port=http"], 2, "vllm serve: error: argument --port: invalid int value: 'http'"),
        (["--max-num-seqs=1k"], 2, "argument --max-num-seqs: invalid int value: '1k'"),
        (["--max-model-len=long"], 2, "argument --max-model-len: invalid human_readable_int_or_auto value: 'long'"),
        (["--max-model-len=1.5K"], 2, "Decimals are not allowed with binary suffixes like K"),
        (["--dtype=int4"], 2, "argument --dtype: invalid choice: 'int4'"),
        (["--quantization=gguf"], 2, "argument --quantization/-q: invalid choice: 'gguf'"),
        (["--compilation-config={"], 2, "Value { cannot be converted to JSON."),
        (["--max-model-len"], 2, "argument --max-model-len: expected one argument"),
        (["--kv-transfer-config.a"], 2, "argument --kv-transfer-config.a: expected one argument"),
        (["--gpu-memory-utilization=1.4"], 1, "gpu_memory_utilization"),
        (["--max-num-seqs=0"], 1, "max_num_seqs: Input should be greater than or equal to 1"),
        (["--max-model-len=0"], 1, "max_model_len must be a positive integer"),
    ],
)
def test_a_wrong_command_line_ends_the_engine(arguments: list[str], exit_code: int, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        parse(["m", *arguments])
    assert refusal.value.exit_code == exit_code


def test_a_flag_is_refused_by_a_version_that_does_not_have_it() -> None:
    assert parse(["m", "--shutdown-timeout=5"], (0, 33, 0)).shutdown_timeout_seconds == 5
    with pytest.raises(UsageError, match="unrecognized arguments: --shutdown-timeout=5"):
        parse(["m", "--shutdown-timeout=5"], (0, 17, 0))


def test_the_kind_of_every_flag_of_the_pinned_version_is_known() -> None:
    tables = (flag_table.SWITCHES, flag_table.STORE_TRUE, flag_table.TEXT, flag_table.INTEGERS)
    more = (flag_table.HUMAN_INTEGERS, flag_table.NUMBERS, flag_table.LISTS, flag_table.JSON_VALUES)
    named = {name for names in (*tables, *more) for name in names.split()} | set(flag_table.CHOICES)
    named |= {"max-model-len", "hf-token", "optimization-level"}
    of_version = {flag.removeprefix("--") for flag in vllm_versions.names("flag", PINNED)}
    assert of_version - named == set()


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"args": ["m", "--port=1"]}, ["m", "--port=1"]),
        ({"command": ["vllm", "serve"], "args": ["m"]}, ["m"]),
        ({"command": ["/bin/sh", "-c", "exec vllm serve m --port 1"]}, ["m", "--port", "1"]),
        ({"command": ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model=m"]}, ["--model=m"]),
        ({"args": ["$(NAME)", "$(OTHER)"], "env": [{"name": "NAME", "value": "m"}]}, ["m", "$(OTHER)"]),
        ({"args": ["$(TOKEN)"], "env": [{"name": "TOKEN", "valueFrom": {}}]}, ["$(TOKEN)"]),
    ],
)
def test_the_arguments_of_a_container_are_found(container: dict[str, Any], expected: list[str]) -> None:
    assert container_arguments(container) == expected


def test_a_container_that_starts_something_else_is_named() -> None:
    with pytest.raises(UsageError, match="does not start vLLM: sleep 9"):
        container_arguments({"command": ["sleep", "9"]})


def test_without_a_model_the_default_model_is_served() -> None:
    assert parse([]).model == flags.DEFAULT_MODEL
