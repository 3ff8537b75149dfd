"""Which series exist, and which a query reads."""

from __future__ import annotations

import re

from local.engine.metric_table import METRICS
from planning.facts import rows
from planning.versions import pins, vllm_versions

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
# Words of PromQL that look like names of series.
WORDS = frozenset(
    {
        "and",
        "or",
        "unless",
        "on",
        "ignoring",
        "by",
        "without",
        "group_left",
        "group_right",
        "sum",
        "min",
        "max",
        "count",
    }
    | {"rate", "increase", "histogram_quantile", "absent", "vector", "time", "min_over_time", "label_replace"}
)


def known_names() -> frozenset[str]:
    """Series of the simulated engine that the pinned vLLM has too, and of facts/series.csv."""
    version = vllm_versions.version_of(pins.VLLM.tag)
    engine = {
        f"{spec.name}{suffix}"
        for spec in METRICS
        if spec.name in vllm_versions.names(spec.kind, version)
        for suffix in SUFFIXES[spec.kind]
    }
    return frozenset(engine | {row["name"] for row in rows("series.csv")})


def names_in(query: str) -> set[str]:
    """Series a query reads: identifiers outside strings, label lists and matchers."""
    bare = re.sub(r'"[^"]*"', "", query)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)", "", bare)
    return {word for word in re.findall(r"(?<![\w.])[a-zA-Z_:][a-zA-Z0-9_:]*", bare) if word not in WORDS}
