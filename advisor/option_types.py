"""Numbers on the command line: each option says what it takes, and what is wrong is refused by the option's name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import isfinite
from typing import NoReturn

from planning.memory.engine import EngineConfig
from planning.memory.weights import UnknownQuantization, quantization_name
from planning.versions.vllm_versions import version_of
from settings import command_line

SIXTEEN_BIT = ("bfloat16", "float16", "half", "bf16", "fp16")
KV_CACHE_DTYPES = ("auto", *SIXTEEN_BIT, "fp8", "fp8_e4m3", "fp8_e5m2")
MOST_TOKENS = 100_000_000
MOST_REPLICAS = 10_000
MOST_GPUS = 1024
LONGEST_SECONDS = 90 * 86_400.0


class OptionParser(command_line.Parser):
    """Wrong input is a ValueError like all other wrong input, which `main` prints; the usage is for `--help`."""

    def error(self, message: str) -> NoReturn:
        """Raises ValueError with argparse's words, which name the option."""
        raise ValueError(f"{message.removeprefix('argument ')} ({self.prog} --help)")


def startable(engine: EngineConfig) -> EngineConfig:
    """The engine; raises ValueError where vLLM would not start with these batch limits."""
    if engine.cannot_start:
        way = f"write {engine.max_num_seqs} or more, or fewer --max-num-seqs"
        raise ValueError(f"--max-num-batched-tokens: {engine.cannot_start}; {way}")
    return engine


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two, for argparse's `type`."""

    def read(text: str) -> int:
        if not text.strip().lstrip("+-").isdecimal() or not text.isascii() or len(text) > 20:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number; write {least} to {most}")
        if not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return int(text)

    return read


def number(least: float, most: float, *, above: bool = False, below: bool = False) -> Callable[[str], float]:
    """A number between two; `above`, `below`: the bounds themselves are not allowed."""
    bounds = f"{'above' if above else 'from'} {least:g} {'to below' if below else 'to'} {most:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number; write one {bounds}") from None
        inside = least <= value <= most and not (above and value == least) and not (below and value == most)
        if not isfinite(value) or not inside:
            raise argparse.ArgumentTypeError(f"{text} is not {bounds}")
        return value

    return read


def quantization(text: str) -> str:
    """A method that has a format, for argparse's `type`."""
    try:
        quantization_name(text)
    except UnknownQuantization as unknown:
        raise argparse.ArgumentTypeError(str(unknown)) from None
    return text


def vllm_version(text: str) -> str:
    """A version as 0.33.0 or v0.33.0, for argparse's `type`."""
    try:
        version_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} names no vLLM version; write one, for example 0.33.0") from None
    return text


tokens = whole(1, MOST_TOKENS)
mean_tokens = number(1, 1_000_000)
gpus = whole(1, MOST_GPUS)
sequences = whole(1, 1_000_000)
share = number(0, 1, above=True, below=True)
utilization = number(0, 1, above=True)
seconds = number(0, 86_400)
seconds_above_zero = number(0, 86_400, above=True)
