"""How many GPUs a model's matrices can be cut over: heads, widths, and the groups and blocks of quantized weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import gcd

from planning.architectures.layout import QuantizationLayout
from planning.architectures.shape import Architecture
from planning.facts import rows
from planning.versions.vllm_versions import Version, version_of

SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Cut:
    """Something that a tensor-parallel group of that size cannot share out. `certain`: logic, not a habit of builds."""

    rule: str
    reason: str
    certain: bool = True
    experts: bool = False


@dataclass(frozen=True)
class _Width:
    """What is cut over the group: the inner width of a part, in elements."""

    part: str
    words: str
    size: int


def cuts(model: Architecture, size: int, version: Version, expert_parallel: bool) -> Iterator[Cut]:
    """What vLLM refuses at that size; nothing where it starts. `expert_parallel`: experts stay whole."""
    if size == 1:
        return
    heads = model.attention_heads
    if heads % size:
        yield Cut("tensor-parallel-heads", f"{size} does not divide the {heads} attention heads of {model.model_id}")
    elif model.latent is None:
        yield from _key_value_heads(model, size)
    for width in _widths(model, expert_parallel):
        if width.size % size:
            yield Cut(
                "tensor-parallel-width",
                f"{size} does not divide the {width.size} columns of the {width.words} of {model.model_id}",
                experts=width.part == "routed",
            )
            continue
        unit = _unit(model.layout, width.part, version)
        if width.size // size % unit:
            yield Cut(
                "tensor-parallel-groups",
                f"{width.size} columns of the {width.words} / {size} = {width.size // size}, which is no multiple of "
                f"{unit}: it cuts {_unit_words(model.layout)} of the {model.layout.method} weights and vLLM stops "
                "while it makes the layers",
                model.layout.certain,
                experts=width.part == "routed",
            )


def sizes_that_start(model: Architecture, version: Version, expert_parallel: bool = False) -> list[int]:
    """The usual sizes without a cut, smallest first."""
    return [size for size in SIZES if not any(cuts(model, size, version, expert_parallel))]


def _key_value_heads(model: Architecture, size: int) -> Iterator[Cut]:
    """QKVParallelLinear shares key-value heads out evenly, or gives each of them to as many GPUs."""
    for heads in sorted({group.kv_heads for group in model.attention}):
        if heads % size and size % heads:
            yield Cut(
                "tensor-parallel-heads",
                f"{size} neither divides the {heads} key-value heads of {model.model_id} nor is a multiple of them",
            )


def _widths(model: Architecture, expert_parallel: bool) -> Iterator[_Width]:
    head = model.latent.value_dim if model.latent is not None else 0
    for dim in sorted({head or group.head_dim for group in model.attention}):
        yield _Width("attention", "attention's output", model.attention_heads * dim)
    if model.dense_mlp_layers:
        yield _Width("dense", "MLP", model.intermediate_size)
    experts = model.experts
    if experts is not None and not expert_parallel:
        yield _Width("routed", "experts", experts.intermediate_size)
    if experts is not None and experts.shared_intermediate_size:
        yield _Width("shared", "shared experts", experts.shared_intermediate_size)


def _unit(layout: QuantizationLayout, part: str, version: Version) -> int:
    """What each GPU's share must be a multiple of."""
    own = layout.group or layout.block
    if own is None or layout.share_unquantized(part) == 1:
        return 1
    kind = "routed" if part == "routed" else "dense"
    multiple = next(
        multiple
        for part_of, method, since, until, multiple in _rules()
        if part_of == kind and method in (layout.method, "*") and since <= version <= until
    )
    return own if multiple == "unit" else gcd(own, int(multiple))


def _unit_words(layout: QuantizationLayout) -> str:
    return f"a group of {layout.group}" if layout.group else f"a block of {layout.block} x {layout.block}"


@cache
def _rules() -> tuple[tuple[str, str, Version, Version, str], ...]:
    return tuple(
        (
            row["part"],
            row["method"],
            version_of(row["since"]) if row["since"] else (0, 0, 0),
            _whole_minor(row["until"]) if row["until"] else (9999, 0, 0),
            row["multiple"],
        )
        for row in rows("tensor_parallel.csv")
    )


def _whole_minor(text: str) -> Version:
    """A table's last version stands for its minor: patch releases have what their first release had."""
    major, minor, _ = version_of(text)
    return major, minor, 9999
