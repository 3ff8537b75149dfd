"""Nothing in a stack file is without bounds, and what lies at them is planned with or refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planning.decide import decide
from planning.model import PlanRefused
from settings.read import read
from settings.schema import json_schema
from tests.planning.stacks import REACHED

MODEL = {"name": "q", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": "a" * 40}
CONFIG = {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "vocab_size": 32000}
TINY, HUGE, INF, NAN = 5e-324, 1e308, float("inf"), float("nan")


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _nodes(value, f"{path}/{at}")


def _unbounded(kind: str, *bounds: tuple[str, ...]) -> list[str]:
    return [
        path
        for path, node in _nodes(json_schema())
        if node.get("type") == kind and not {"enum", "const"} & node.keys()
        if not all(any(name in node for name in either) for either in bounds)
    ]


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_every_number_has_a_least_and_a_most(kind: str) -> None:
    assert _unbounded(kind, ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")) == []


def test_every_list_and_every_open_mapping_has_a_most() -> None:
    assert _unbounded("array", ("maxItems",)) == []
    assert _unbounded("object", ("maxProperties", "properties")) == []


def told(**sections: Any) -> str:
    """The refusal of a stack file, or nothing where it has a plan."""
    pools = [{"name": "l4", "instanceTypes": ["g6.xlarge"]}]
    try:
        decide(read({"cluster": REACHED, "nodePools": pools, "models": [MODEL], **sections}, "dev"))
    except PlanRefused as refused:
        return str(refused)
    return ""


def of_model(**keys: Any) -> str:
    return told(models=[{**MODEL, **keys}])


@pytest.mark.parametrize("share", [0.9999999, 1 - 2**-53, 1, 0.5, TINY, INF, NAN, -0.0])
@pytest.mark.parametrize("key", ["share", "availability"])
def test_a_share_beside_one_or_a_half_is_refused(key: str, share: float) -> None:
    assert f"models[0].slo.{key}: " in of_model(traffic={"requestsPerSecond": 1}, slo={key: share})


@pytest.mark.parametrize("share", [0.99999, 0.500001])
def test_a_share_at_its_bounds_has_a_plan(share: float) -> None:
    assert of_model(traffic={"requestsPerSecond": 1}, slo={"share": share, "availability": share}) == ""


@pytest.mark.parametrize("rate", [TINY, 1e-300, 0, -0.0, -1, HUGE, INF, NAN, 10**330])
def test_a_rate_that_nobody_has_is_refused(rate: float) -> None:
    assert "models[0].traffic.requestsPerSecond: " in of_model(traffic={"requestsPerSecond": rate})


@pytest.mark.parametrize("rate", [1e-6, 100_000])
def test_a_rate_at_its_bounds_has_a_plan(rate: float) -> None:
    assert of_model(traffic={"requestsPerSecond": rate}) == ""


@pytest.mark.parametrize("key", ["cpu", "memory", "ephemeralStorage", "sharedMemory"])
@pytest.mark.parametrize("quantity", ["1" * 330, "0", "0." + "0" * 300 + "1", "9" * 15 + "Ti", "1e3", "٣Gi", "-1Gi"])
def test_a_quantity_that_no_machine_has_is_refused(key: str, quantity: str) -> None:
    assert f"models[0].resources.{key}: " in of_model(resources={key: quantity})


@pytest.mark.parametrize("key", ["memory", "ephemeralStorage", "sharedMemory"])
@pytest.mark.parametrize("quantity", ["1Mi", "64Ti"])
def test_a_quantity_at_its_bounds_ends_in_words(key: str, quantity: str) -> None:
    assert "models[0].resources." not in (problems := of_model(resources={key: quantity})) or "write" in problems


@pytest.mark.parametrize("amount", [TINY, 0, -0.0, HUGE, INF, NAN, 10**400])
@pytest.mark.parametrize("key", ["usdPerHour", "usdPerMonth"])
def test_a_budget_that_is_no_amount_of_money_is_refused(key: str, amount: float) -> None:
    assert f"budget.{key}: " in told(budget={key: amount})


@pytest.mark.parametrize("layers", [1001, 3 * 10**8, 1e11, 10**39, -(10**39), HUGE])
def test_a_model_of_too_many_layers_is_refused_before_a_list_is_made_of_them(layers: float) -> None:
    described = {"architecture": {"config": {**CONFIG, "num_hidden_layers": layers}}, "source": "own/model"}
    assert "config.json gives num_hidden_layers" in of_model(**described)


@pytest.mark.parametrize("value", [10**39, HUGE, -HUGE, -1, TINY, -0.0])
@pytest.mark.parametrize("key", ["hidden_size", "head_dim", "sliding_window", "num_experts", "full_attention_interval"])
def test_any_number_in_a_config_is_planned_with_or_refused(key: str, value: float) -> None:
    assert of_model(architecture={"config": {**CONFIG, key: value}}, source="own/model")


def test_a_file_with_too_many_of_a_thing_is_refused_at_once() -> None:
    many = [{**MODEL, "name": f"m{i}"} for i in range(101)]
    assert "models: has too many entries; write at most 100" in told(models=many)
    assert "tags: has too many entries; write at most 40" in told(tags={f"k{i}": "v" for i in range(41)})


def test_a_text_without_a_closer_limit_ends_somewhere() -> None:
    assert "has more than 4096 characters" in of_model(acceptedRisks={"memoryFit": "x" * 5000})
