"""Which of vLLM's two model runners serves a model, by version: they profile memory differently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.architectures.shape import Architecture
from planning.facts import rows
from planning.memory.engine import EngineConfig


@dataclass(frozen=True)
class _Span:
    since: tuple[int, ...]
    families: frozenset[str]
    measures_graphs: bool


def has_runner_v2(model: Architecture, engine: EngineConfig) -> bool:
    """Whether Model Runner V2 runs this model by default."""
    span = _span(engine)
    if span is None:
        return False
    plain = model.experts is None and model.recurrent is None
    return model.family in span.families or "all" in span.families or ("dense" in span.families and plain)


def reserves_graphs(model: Architecture, engine: EngineConfig) -> bool:
    """Whether CUDA graphs are taken from the memory that the KV cache would get."""
    span = _span(engine)
    measured = span is None or span.measures_graphs or not has_runner_v2(model, engine)
    return engine.profiles_graphs and measured


def _span(engine: EngineConfig) -> _Span | None:
    if not engine.is_v1:
        return None
    return next((span for span in reversed(_spans()) if span.since <= engine.version), None)


@cache
def _spans() -> tuple[_Span, ...]:
    return tuple(
        _Span(
            since=tuple(int(number) for number in row["since"].split(".")),
            families=frozenset(row["families"].split()),
            measures_graphs=row["graphs"] == "yes",
        )
        for row in rows("runner_v2.csv")
    )
