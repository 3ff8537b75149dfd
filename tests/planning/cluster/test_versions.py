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


INGRESS = {**GATEWAY, "kind": "ingress", "ingressClass": "traefik"}
KEYS = {**GATEWAY, "authentication": {"kind": "apiKeys", "secret": "keys"}}


@pytest.mark.parametrize("gateway", [GATEWAY, INGRESS], ids=lambda gateway: str(gateway["kind"]))
def test_a_header_keeps_a_client_with_its_version(gateway: dict[str, Any]) -> None:
    models = [model(versions=HALVES, sessionHeader="x-user"), model(name="next")]
    plan = planned(models=models, gateway=gateway, **ROOM)
    one_address = plan.gateway or (plan.entry and plan.entry.gateway)
    assert one_address
    assert one_address.session_headers == {"chat": "x-user"}


@pytest.mark.parametrize(("gateway", "header"), [(GATEWAY, "x-user"), (KEYS, "x-client-id")])
def test_a_model_without_versions_keeps_a_client_with_its_server(gateway: dict[str, Any], header: str) -> None:
    models = [model(sessionHeader=header), model(name="next", servedName="next")]
    plan = planned(models=models, gateway=gateway, **ROOM).gateway
    assert plan is not None
    assert plan.session_headers == {"chat": header}


@pytest.mark.parametrize(
    ("gateway", "chat", "other", "path", "words"),
    [
        ({"kind": "none"}, {"sessionHeader": "x-user"}, {}, 0, "nothing shares requests out without a gateway"),
        (INGRESS, {"sessionHeader": "x-user"}, {}, 0, "it keeps a client's version, and chat has none"),
        (GATEWAY, {"versions": HALVES}, {"sessionHeader": "x-user"}, 1, "next is a version of chat"),
        (KEYS, {"versions": HALVES, "sessionHeader": "x-client-id"}, {}, 0, "the version is chosen before"),
        (GATEWAY, {"sessionHeader": "x-client-id"}, {}, 0, "authentication none does not know"),
        (
            GATEWAY,
            {"sessionHeader": "x-user", "backend": "production-stack"},
            {},
            0,
            "production-stack does not do a server that a client keeps: its router chooses the server",
        ),
    ],
)
def test_a_header_by_which_nothing_stays_is_refused(
    gateway: dict[str, Any], chat: dict[str, Any], other: dict[str, Any], path: int, words: str
) -> None:
    models = [model(**chat), model(name="next", **other)]
    assert words in errors(refusal(models=models, gateway=gateway, **ROOM))[f"models[{path}].sessionHeader"]


@pytest.mark.parametrize(
    "header",
    ["authorization", "cookie", "host", "x-model", "x-version", "x-request-id", "X-User", "x_user", "x--u", "-x", ""],
)
def test_what_tells_no_client_from_another_is_no_session_header(header: str) -> None:
    sections = {"models": [model(sessionHeader=header)], "gateway": GATEWAY, **ROOM}
    problems = [str(problem) for problem in read(sections, "dev").problems]
    assert [each for each in problems if each.startswith("models[0].sessionHeader")], problems
