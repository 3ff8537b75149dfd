"""Versions: what may share a model's requests, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from settings.read import read
from tests.planning.stacks import errors, model, planned, pool, refusal

GATEWAY = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
ROOM = {"systemNodes": {"minNodes": 3}, "nodePools": [pool(minNodes=3, maxNodes=3)]}
HALVES = [{"model": "chat", "weight": 90}, {"model": "next", "weight": 10}]


def stack(versions: list[dict[str, Any]], gateway: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    models = [model(versions=versions), model(name="next", **other)]
    return {"models": models, "gateway": gateway or GATEWAY, **ROOM}


def test_versions_share_one_name_that_is_no_name_of_theirs() -> None:
    plan = planned(**stack(HALVES)).gateway
    assert plan is not None
    assert plan.versions == {"chat": (("chat", 90), ("next", 10))}
    assert plan.names_of == {"chat": (model()["source"],), "next": ()}
    assert plan.alone == "chat", "there is one name to ask"


@pytest.mark.parametrize(
    ("versions", "other", "path", "words"),
    [
        ([{"model": "chat", "weight": 90}, {"model": "next", "weight": 5}], {}, "models[0].versions", "add up to 95"),
        ([{"model": "chat", "weight": 90}, {"model": "next", "weight": 20}], {}, "models[0].versions", "add up to 110"),
        ([{"model": "next", "weight": 100}], {}, "models[0].versions", "chat itself is none of its versions"),
        (
            [{"model": "chat", "weight": 90}, {"model": "nxt", "weight": 10}],
            {"servedName": "other"},
            "models[0].versions[1].model",
            "no model 'nxt'",
        ),
        (
            [*HALVES[:1], {"model": "next", "weight": 5}, {"model": "next", "weight": 5}],
            {},
            "models[0].versions[2].model",
            "listed twice",
        ),
        (HALVES, {"servedName": "other"}, "models[0].versions[1].model", "answers to other and refuses requests for"),
        (HALVES, {"namespace": "search"}, "models[0].versions[1].model", "a route reaches its own only"),
    ],
)
def test_what_could_not_share_is_refused(
    versions: list[dict[str, Any]], other: dict[str, Any], path: str, words: str
) -> None:
    assert words in errors(refusal(**stack(versions, **other)))[path]


def test_without_a_gateway_nothing_shares() -> None:
    message = errors(refusal(**stack(HALVES, {"kind": "none"})))["models[0].versions"]
    assert "nothing shares requests out without a gateway" in message


def test_a_version_has_no_versions() -> None:
    models = [model(versions=HALVES), model(name="next", versions=[{"model": "next", "weight": 100}])]
    told = errors(refusal(models=models, gateway=GATEWAY, **ROOM))
    assert "next has versions of its own" in told["models[0].versions[1].model"]


def test_a_version_of_two_models_is_refused_once() -> None:
    third = [{"model": "third", "weight": 50}, {"model": "next", "weight": 50}]
    models = [model(versions=HALVES), model(name="next"), model(name="third", versions=third)]
    told = errors(refusal(models=models, gateway=GATEWAY, **ROOM))
    assert "next is a version of chat already" in told["models[2].versions[1].model"]


def test_a_weight_is_a_share_of_a_hundred() -> None:
    sections = stack([{"model": "chat", "weight": 130}, {"model": "next", "weight": -30}])
    problems = [str(problem) for problem in read(sections, "dev").problems]
    assert any("models[0].versions[0].weight" in each for each in problems), problems
    assert any("models[0].versions[1].weight" in each for each in problems), problems
