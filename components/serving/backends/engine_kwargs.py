"""The plan's arguments of `vllm serve` as the keyword arguments that Ray Serve LLM takes."""

from __future__ import annotations

import json
from typing import Any

from planning.model import ServedModel
from planning.versions.vllm_versions import canonical_flag, version_of

# What Ray says itself (name, port, logs) or Serve does (shutdown), and what it does otherwise (adapters); revisions are
# in the snapshot's path.
FLAGS_NOT_FOR_RAY = frozenset(
    (
        "--served-model-name",
        "--revision",
        "--tokenizer-revision",
        "--port",
        "--shutdown-timeout",
        "--disable-access-log-for-endpoints",
        "--lora-modules",
    )
)


def engine_kwargs(model: ServedModel) -> dict[str, Any]:
    """`--max-model-len=8192` -> {"max_model_len": 8192}; a flag alone is true, `--no-x` false, `--x.y=1` inside of x.

    The names are fields of vLLM's AsyncEngineArgs and FrontendArgs, which its arguments are made of.
    """
    version = version_of(model.vllm_version)
    kwargs: dict[str, Any] = {}
    for argument in model.args[1:]:
        spelled, has_value, text = argument.partition("=")
        if not spelled.startswith("-"):
            continue  # what --lora-modules lists
        path = spelled.replace("_", "-").removeprefix("--").split(".")
        flag = canonical_flag(spelled, version) or f"--{path[0]}"
        if flag in FLAGS_NOT_FOR_RAY:
            continue
        value = _value(text) if has_value else not path[0].startswith("no-") or flag == f"--{path[0]}"
        place = kwargs
        for step in (name := _field(flag), *path[1:])[:-1]:
            place = place.setdefault(_field(step), {})
        place[_field(path[-1]) if len(path) > 1 else name] = value
    return kwargs


def _field(name: str) -> str:
    return name.removeprefix("--").replace("-", "_")


def _value(text: str) -> Any:
    """As YAML and argparse would read it: a number, a truth or a document, else the text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
