"""One of a thing is not many of it, in any format."""

from __future__ import annotations

import re
from typing import Any

import pytest

from preview.formats import rendered
from preview.words import fit_line, node_line, pool_notes, scaling_line
from tests.preview.sample import document

# Units of rates (requests/s) stay as they are.
MANY_OF_ONE = re.compile(r"(?<![\d.,–:])\b1 (?!is\b|was\b|this\b)[\w-]+s\b(?!/)")


def ones(value: Any) -> Any:
    """The same document with every number 1; a span from 1 to 1 is 1."""
    if isinstance(value, dict):
        return {key: ones(item) for key, item in value.items()}
    if isinstance(value, list):
        return [ones(item) for item in value]
    return type(value)(1) if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_no_format_speaks_of_many_where_there_is_one(name: str) -> None:
    assert MANY_OF_ONE.search("on 1 nodes")
    assert MANY_OF_ONE.findall(rendered(ones(document()), name)) == []


def test_lines_about_one() -> None:
    model = ones(document()["models"][0])
    assert scaling_line(model).startswith("1 replica, fixed;")
    scaled = {**model, "scaling": {**model["scaling"], "max_replicas": 2, "schedules": [{}]}}
    assert scaling_line(scaled).startswith("1–2 replicas by ")
    assert ", 1 schedule," in scaling_line(scaled)
    assert "1 token of KV cache, 1 request of 1 token at once" in fit_line(model)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("requests waiting", "1 request waiting per replica"),
        ("seconds", "1 second per replica"),
        ("tokens/s", "1 tokens/s per replica"),
        ("percent", "1 percent per replica"),
    ],
)
def test_a_target_of_one(unit: str, text: str) -> None:
    model = document()["models"][0]
    metric = {"kind": "queueDepth", "target": 1, "unit": unit, "value_type": "AverageValue"}
    model["scaling"] = {**model["scaling"], "min_replicas": 1, "max_replicas": 2, "metrics": [metric]}
    assert f"queueDepth ({text})" in scaling_line(model)


def test_one_stranded_gpu() -> None:
    pool = document()["nodes"][0]
    room = {"gpus": 1, "cpu_millicores": 1000, "memory_mib": 1024, "ephemeral_mib": 0}
    node = {"instance_type": "g6.xlarge", "total": room, "system": room, "daemons": room, "images_mib": 0}
    assert "replicas: 1 GPU, " in node_line({**pool, "sharing": None, "node": node, "stranded": room})
    assert "replicas: 1 GPU share, " in node_line({**pool, "sharing": "1/2", "node": node, "stranded": room})


def test_an_image_is_named_where_it_is_not_the_usual_one() -> None:
    pool: Any = {"sharing": "1/2 by mps", "image": "BOTTLEROCKET_x86_64_NVIDIA 1.57.0"}
    assert pool_notes(pool) == ["1/2 by mps", "BOTTLEROCKET_x86_64_NVIDIA 1.57.0"]
    assert pool_notes({**pool, "sharing": None, "image": "AL2023_x86_64_NVIDIA"}) == []
