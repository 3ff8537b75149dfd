"""The request's own `model` chooses: as Lua runs in Envoy (LuaJIT), and what routes stand around it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import lupa.luajit21 as lupa
import pytest

from components.cluster.gateway.by_model import CODE, by_model
from components.cluster.gateway.manifests import proxy, tenant_keys
from components.cluster.gateway.routes import route
from planning.model import GatewayPlan
from tests.components.gateways import CERTIFICATES, INTERNAL, PUBLIC, TOKENS
from tests.components.plans import MODEL

HANDLE = """
function(text)
  local seen = {cleared = false}
  local body = {length = function() return #text end, getBytes = function(_, from, count) return text:sub(from + 1, from + count) end}
  envoy_on_request({
    body = function() return text ~= '' and body or nil end,
    headers = function() return {replace = function(_, name, value) seen[name] = value end} end,
    clearRouteCache = function() seen.cleared = true end,
  })
  return seen['x-model'], seen.cleared
end
"""  # noqa: E501


def chosen(body: Any) -> str | None:
    runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
    runtime.execute(CODE.read_text())
    text = body if isinstance(body, str) else json.dumps(body)
    name, cleared = runtime.eval(HANDLE)(text)
    assert cleared == (name is not None), "the route is chosen again only where there is something to choose by"
    return name


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"model": "chat", "messages": []}, "chat"),
        ({"messages": [{"role": "user", "content": 'say "model": "other"'}], "model": "org/chat-7b"}, "org/chat-7b"),
        ({"metadata": {"model": "other"}, "tools": [{"model": "third"}], "model": "chat"}, "chat"),
        ({"user": "model", "model": "chat"}, "chat"),
        ({"prompt": "a { b [ c \\", "model": "chat"}, "chat"),
        ('{ "model"\n :\t"chat" }', "chat"),
        ({"messages": [{"model": "other"}]}, None),
        ({"model": 7}, None),
        ({"model": None}, None),
        (["model", "chat"], None),
        ('{"model": "chat', None),
        ('{"mod', None),
        ("", None),
        ("model=chat", None),
    ],
)
def test_the_model_at_the_top_of_the_body_chooses_and_no_other(body: Any, name: str | None) -> None:
    assert chosen(body) == name


def test_a_large_body_is_read_once_from_front_to_back() -> None:
    assert chosen({"prompt": 'x{"' * 300_000, "model": "chat"}) == "chat"


def test_what_no_model_answers_to_is_told_with_the_names_that_there_are() -> None:
    made = by_model(PUBLIC)
    (models, others) = made["any"]["spec"]["rules"]
    assert [match["path"] for match in models["matches"]] == [{"type": "Exact", "value": "/v1/models"}]
    assert {match["path"]["value"] for match in others["matches"]} == set(PUBLIC.paths) - {"/v1/models"}
    listing = json.loads(made["listing"]["spec"]["directResponse"]["body"]["inline"])
    assert [card["id"] for card in listing["data"]] == ["llama-3.1-8b", "summary", "summary-v1.2"]
    assert made["unknown"]["spec"]["directResponse"]["statusCode"] == 404
    (target,) = made["body"]["spec"]["targetRefs"]
    assert (target["kind"], target["name"]) == ("HTTPRoute", made["any"]["metadata"]["name"])


@pytest.mark.parametrize(
    ("plan", "before"), [(PUBLIC, "envoy.filters.http.api_key_auth"), (TOKENS, "envoy.filters.http.jwt_authn")]
)
def test_the_body_is_read_before_a_key_is_looked_at_whose_route_it_chooses(plan: GatewayPlan, before: str) -> None:
    assert proxy(plan)["spec"]["filterOrder"] == [{"name": "envoy.filters.http.lua", "before": before}]
    assert "filterOrder" not in proxy(CERTIFICATES)["spec"], "no filter asks for a key"


def test_a_stack_of_one_model_reads_no_body() -> None:
    assert by_model(INTERNAL) == {}
    assert "filterOrder" not in proxy(INTERNAL)["spec"]


def test_an_adapter_is_asked_by_its_own_name_and_the_name_is_no_pattern() -> None:
    plan = PUBLIC
    named = route(MODEL, plan)["spec"]["rules"][0]["matches"][0]["headers"]
    assert named == [{"name": "x-model", "type": "Exact", "value": "llama-3.1-8b"}]
    other = route(replace(MODEL, name="summary", served_name="summary"), plan)
    (header,) = other["spec"]["rules"][0]["matches"][0]["headers"]
    assert header == {"name": "x-model", "type": "RegularExpression", "value": r"summary|summary\-v1\.2"}


def test_a_tenants_keys_stand_in_the_place_of_everybodys_at_its_own_route() -> None:
    policy = tenant_keys(MODEL, "search-keys")
    assert policy["metadata"]["namespace"] == MODEL.namespace
    assert policy["spec"]["targetRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": MODEL.name}
    ]
    assert policy["spec"]["apiKeyAuth"]["credentialRefs"] == [{"kind": "Secret", "name": "search-keys"}]
