"""Parses the arguments of a vLLM container as `vllm serve` would, with its refusals.

vLLM builds on argparse, and so do we: the texts of usage errors come from the same library.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from local.engine import flag_table as table
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version

PINNED_VERSION: Version = vllm_versions.version_of(table.VLLM_VERSION)

DEFAULT_MODEL = "Qwen/Qwen3-0.6B"  # what `vllm serve` without a model serves, same source as flag_table


class UsageError(Exception):
    """The command line is refused. `text` is what vLLM prints, `exit_code` what it leaves with."""

    def __init__(self, text: str, exit_code: int = 2) -> None:
        self.text = text
        self.exit_code = exit_code
        super().__init__(text)


@dataclass(frozen=True)
class EngineArguments:
    """What the simulation uses of a command line; None: vLLM chooses. `max_model_len` -1: what fits the memory."""

    model: str
    served_names: tuple[str, ...]
    port: int = 8000
    api_keys: tuple[str, ...] = ()
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    max_num_queued_reqs: int | None = None
    gpu_memory_utilization: float = 0.92
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    nnodes: int = 1
    distributed_executor_backend: str | None = None
    block_size_tokens: int = 16
    num_gpu_blocks_override: int | None = None
    kv_cache_dtype: str = "auto"
    dtype: str = "auto"
    quantization: str | None = None
    prefix_caching: bool = True
    shutdown_timeout_seconds: int = 0
    enforce_eager: bool = False
    force_include_usage: bool = False
    enable_lora: bool = False
    lora_modules: tuple[str, ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"usage: vllm serve [model_tag] [options]\nvllm serve: error: {message}")


def _human_integer(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgGtT])", text.strip())
    if match is None:
        return int(text)
    number, suffix = match.groups()
    if suffix.isupper() and "." in number:
        raise argparse.ArgumentTypeError(
            f"Decimals are not allowed with binary suffixes like {suffix}. Did you mean to use "
            f"{number}{suffix.lower()} instead?"
        )
    power = "kmgt".index(suffix.lower()) + 1
    return int(number) * 1024**power if suffix.isupper() else int(float(number) * 1000**power)


def _model_length(text: str) -> int:
    return -1 if text.strip().lower() in ("-1", "auto") else _human_integer(text)


def _json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"Value {text} cannot be converted to JSON.") from None


# argparse names the type in its message: "invalid human_readable_int value: 'x'"
_human_integer.__name__ = "human_readable_int"
_model_length.__name__ = "human_readable_int_or_auto"


@cache
def _kinds() -> dict[str, dict[str, Any]]:
    """argparse's options of each flag, without dashes."""
    kinds: dict[str, dict[str, Any]] = {name: {} for name in table.TEXT.split()}
    for names, options in (
        (table.SWITCHES, {"action": argparse.BooleanOptionalAction, "default": None}),
        (table.STORE_TRUE, {"action": "store_true"}),
        (table.INTEGERS, {"type": int}),
        (table.HUMAN_INTEGERS, {"type": _human_integer}),
        (table.NUMBERS, {"type": float}),
        (table.LISTS, {"nargs": "+"}),
        (table.JSON_VALUES, {"type": _json_value}),
    ):
        kinds |= dict.fromkeys(names.split(), options)
    kinds |= {name: {"choices": values.split()} for name, values in table.CHOICES.items()}
    kinds["max-model-len"] = {"type": _model_length}
    kinds["hf-token"] = {"nargs": "?", "const": True}
    return kinds


@cache
def _parser(version: Version) -> argparse.ArgumentParser:
    parser = _Parser(prog="vllm serve", add_help=False)
    parser.add_argument("model_tag", nargs="?")
    short: dict[str, list[str]] = {}
    for letters, name in table.SHORT.items():
        short.setdefault(name, []).append(f"-{letters}")
    for alias, name in table.ALIASES.items():
        short.setdefault(name, []).append(f"--{alias}")
    kinds = dict(_kinds())
    kinds["quantization"] = {"choices": sorted(vllm_versions.names("quantization", version))}
    kinds["kv-cache-dtype"] = {"choices": sorted(vllm_versions.names("kv-cache-dtype", version))}
    for flag in sorted(vllm_versions.names("flag", version)):
        name = flag[2:]
        options = kinds.get(name, {"nargs": "?", "const": True})
        parser.add_argument(flag, *short.get(name, []), dest=name.replace("-", "_"), **options)
    return parser


_JSON_NAMES = frozenset(table.JSON_VALUES.split())


def _normalised(arguments: Sequence[str]) -> list[str]:
    """`--max_model_len` to `--max-model-len`; `--json.key value` (also `-cc.mode=3`) to one JSON value."""
    result: list[str] = []
    collected: dict[str, dict[str, Any]] = {}
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        key, equals, value = word.partition("=")
        if not re.match(r"--?[A-Za-z]", key):
            result.append(word)
            continue
        flag, dot, path = key.partition(".")
        flag = flag.replace("_", "-") if flag.startswith("--") else flag
        name = flag[2:] if flag.startswith("--") else table.SHORT.get(flag[1:], "")
        if not dot or name not in _JSON_NAMES:
            result.append(f"{flag}{dot}{path}{equals}{value}")
            continue
        if not equals:
            if position == len(arguments):
                raise UsageError(f"vllm serve: error: argument {key}: expected one argument")
            value = arguments[position]
            position += 1
        target = collected.setdefault(name, {})
        *parents, last = path.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        try:
            target[last] = json.loads(value)
        except ValueError:
            target[last] = value
    return result + [f"--{name}={json.dumps(values)}" for name, values in collected.items()]


def parse(arguments: Sequence[str], version: Version = PINNED_VERSION) -> EngineArguments:
    """The arguments of `vllm serve` (without these two words) as that version reads them.

    Raises UsageError with vLLM's kind of text for an unknown flag or a value of the wrong kind.
    """
    known, unknown = _parser(version).parse_known_args(_normalised(arguments))
    if unknown:
        # the outer parser of `vllm` complains of what no sub-parser knew
        raise UsageError(
            "usage: vllm [-h] [-v] {chat,complete,serve,bench,launch,snapshot,collect-env,run-batch} ...\n"
            f"vllm: error: unrecognized arguments: {' '.join(unknown)}"
        )
    model = known.model_tag or known.model or DEFAULT_MODEL
    default = EngineArguments(model=model, served_names=())

    def given(name: str, otherwise: Any) -> Any:
        value = getattr(known, name, None)
        return otherwise if value is None else value

    result = EngineArguments(
        model=model,
        served_names=tuple(given("served_model_name", [model])),
        port=given("port", default.port),
        api_keys=tuple(given("api_key", ())),
        max_model_len=given("max_model_len", None),
        max_num_seqs=given("max_num_seqs", None),
        max_num_batched_tokens=given("max_num_batched_tokens", None),
        max_num_queued_reqs=given("max_num_queued_reqs", None),
        gpu_memory_utilization=given("gpu_memory_utilization", default.gpu_memory_utilization),
        tensor_parallel_size=given("tensor_parallel_size", default.tensor_parallel_size),
        pipeline_parallel_size=given("pipeline_parallel_size", default.pipeline_parallel_size),
        nnodes=given("nnodes", default.nnodes),
        distributed_executor_backend=given("distributed_executor_backend", None),
        block_size_tokens=given("block_size", default.block_size_tokens),
        num_gpu_blocks_override=given("num_gpu_blocks_override", None),
        kv_cache_dtype=given("kv_cache_dtype", default.kv_cache_dtype),
        dtype=given("dtype", default.dtype),
        quantization=given("quantization", None),
        prefix_caching=given("enable_prefix_caching", True),
        shutdown_timeout_seconds=given("shutdown_timeout", 0),
        enforce_eager=given("enforce_eager", False),
        force_include_usage=given("enable_force_include_usage", False),
        enable_lora=given("enable_lora", False),
        lora_modules=tuple(given("lora_modules", ())),
    )
    _check_ranges(result)
    return result


def _check_ranges(arguments: EngineArguments) -> None:
    """Limits that vLLM's config classes hold after parsing: a pydantic error and exit code 1."""
    at_least_one = ("max_num_seqs", "max_num_batched_tokens", "tensor_parallel_size", "block_size_tokens", "nnodes")
    for name in at_least_one:
        if (getattr(arguments, name) or 1) < 1 or getattr(arguments, name) == 0:
            raise UsageError(
                f"pydantic_core._pydantic_core.ValidationError: {name}: Input should be greater than or equal to 1", 1
            )
    if not 0 < arguments.gpu_memory_utilization <= 1:
        raise UsageError(
            "pydantic_core._pydantic_core.ValidationError: gpu_memory_utilization: Input should be greater than 0 "
            f"and less than or equal to 1 [input_value={arguments.gpu_memory_utilization}]",
            1,
        )
    if arguments.max_model_len is not None and arguments.max_model_len != -1 and arguments.max_model_len < 1:
        raise UsageError("ValueError: max_model_len must be a positive integer, -1 or auto", 1)


def container_arguments(container: Mapping[str, Any]) -> list[str]:
    """The words after `vllm serve` of a container: `args` after the image's entrypoint `vllm serve`, or from `command`.

    `$(NAME)` is replaced by the container's literal env values, as the kubelet does; others stay as written.
    """
    env = {entry["name"]: entry["value"] for entry in container.get("env") or [] if "value" in entry}
    words = [
        re.sub(r"\$\(([A-Za-z_][\w.-]*)\)", lambda m: env.get(m[1], m[0]), str(word))
        for word in [*(container.get("command") or []), *(container.get("args") or [])]
    ]
    if not container.get("command"):
        return words
    if len(words) >= 3 and words[1] in ("-c", "-lc", "-ec"):
        words = shlex.split(words[2])
    if "serve" in words:
        return words[words.index("serve") + 1 :]
    if "vllm.entrypoints.openai.api_server" in words:
        return words[words.index("vllm.entrypoints.openai.api_server") + 1 :]
    raise UsageError(f"the container's command does not start vLLM: {' '.join(words)}", 127)
